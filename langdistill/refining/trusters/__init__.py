"""What decides between the first answer and the refined one, one a file."""
