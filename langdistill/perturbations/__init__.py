"""Changes to a question that must not change its answer, one family a file."""
