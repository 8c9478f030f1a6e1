"""Rows as trainers read them: tokens with their labels, checked one by one."""
