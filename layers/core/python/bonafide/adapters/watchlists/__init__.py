"""Stores of watchlists."""
