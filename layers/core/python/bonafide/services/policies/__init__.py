"""Use cases of policies: their history, one that is staged and becomes active, the way back, and comparisons."""
