"""Ways of writing a new instruction from one that there is, one a file."""
