"""Calls of the contract by who makes them."""
