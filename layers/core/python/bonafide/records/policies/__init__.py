"""Policies of domains: their stored form, the one that is staged, and comparisons of decisions under two of them."""
