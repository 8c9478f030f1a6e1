"""How a reasoned answer is written as training text, one rendering a file."""
