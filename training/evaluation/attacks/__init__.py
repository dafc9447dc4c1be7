"""Attacks on the service, simulated."""
