"""Checks for the asker `validator`, one a file: from a question and a reply to what is wrong with the reply."""
