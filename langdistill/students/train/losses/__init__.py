"""Losses that no library has, one a file: pure functions of tensors."""
