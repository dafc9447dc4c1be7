"""Benchmark of the search of watchlists."""
