"""Capacity: what a load asks of each part of the path, which limits of AWS it reaches, and what to set."""
