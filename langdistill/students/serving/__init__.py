"""Students on vLLM: the server, its adapters, and a teacher that is sampled in batches."""
