"""Outcomes of decisions, as they are stated and stored."""
