"""Measure: accuracy with its interval, tokens and seconds per answer, and the report."""
