"""The small local model: its training, and how it is asked."""
