"""Formats of other recorders, one a file."""
