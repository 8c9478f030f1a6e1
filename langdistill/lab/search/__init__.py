"""A world of word problems that a search can be tried on: who errs, how often and at what is known."""
