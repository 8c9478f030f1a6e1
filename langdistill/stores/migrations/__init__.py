"""From one schema of a store to the next. The n-th step of a file leads to schema n, and is never changed once it is released."""
