"""Counters and histories of calls."""
