"""How the files of tasks are read: rows, splits by index, pairs for a judge."""
