"""Parts of the life cycle of domains."""
