"""Answers about who did what."""
