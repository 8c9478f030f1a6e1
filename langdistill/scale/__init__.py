"""The same harvest on other engines: nothing here but the translation."""
