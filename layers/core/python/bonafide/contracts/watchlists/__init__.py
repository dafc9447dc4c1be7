"""Watchlists in requests and answers."""
