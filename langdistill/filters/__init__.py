"""Keep or drop with a reason, one judgement a file."""
