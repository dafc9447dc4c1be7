"""Evaluation of the search for known voices."""
