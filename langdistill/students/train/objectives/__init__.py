"""What a student learns from its rows, one objective a file."""
