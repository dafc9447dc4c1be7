"""Building blocks that several use cases stand on."""
