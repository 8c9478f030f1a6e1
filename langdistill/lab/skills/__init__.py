"""The skill world: instructions that a student learns kind by kind, to show what mining of hard instructions does."""
