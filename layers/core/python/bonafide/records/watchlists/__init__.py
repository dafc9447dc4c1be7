"""Watchlists: known fraudsters of a domain."""
