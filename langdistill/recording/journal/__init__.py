"""Where events rest until the store has them."""
