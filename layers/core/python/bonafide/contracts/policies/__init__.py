"""Policies: their versions, the one that is staged, and comparisons of decisions."""
