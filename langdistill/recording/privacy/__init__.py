"""What is hidden before anything is written."""
