"""How rows are written, one exporter a file."""
