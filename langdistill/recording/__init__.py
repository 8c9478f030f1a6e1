"""The callback recorder: a live run becomes a trace."""
