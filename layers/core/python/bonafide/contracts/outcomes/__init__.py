"""Outcomes, the error rates that follow from them, and the decisions to look at next."""
