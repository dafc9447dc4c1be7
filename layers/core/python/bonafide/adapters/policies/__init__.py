"""Stores of staged policies."""
