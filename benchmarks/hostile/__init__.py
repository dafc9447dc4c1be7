"""Hostile requests against the deployed functions: `python -m benchmarks.hostile`."""
