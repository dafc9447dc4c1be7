"""Protocols of everything that the services need from the outside, by noun."""
