"""What filters read off a row: its texts, its tool calls and their results, and the run that it is from."""
