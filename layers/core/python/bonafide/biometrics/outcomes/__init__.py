"""Outcomes: the truth about calls as it becomes known, error rates from it, and the decisions that are worth a look."""
