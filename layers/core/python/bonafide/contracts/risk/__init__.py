"""Signals of a call in requests, and what is told of them."""
