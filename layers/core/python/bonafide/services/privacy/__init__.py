"""Clocks of personal data."""
