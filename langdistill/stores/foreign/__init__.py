"""How others write down what happened: documents, values, messages, tokens, and trees of spans. `importers/` has a file per format."""
