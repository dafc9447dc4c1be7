"""Stored forms of what is known of a call."""
