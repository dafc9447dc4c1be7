"""Token buckets of domains."""
