"""What judges the states of a Tree of Thoughts, one a file."""
