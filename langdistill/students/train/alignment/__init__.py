"""A teacher's tokens beside a student's, where their tokenizers differ."""
