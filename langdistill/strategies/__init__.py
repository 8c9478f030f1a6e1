"""System 2, one graph a file."""
