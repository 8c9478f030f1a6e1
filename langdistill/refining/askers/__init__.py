"""What decides whether an answer is refined, one a file."""
