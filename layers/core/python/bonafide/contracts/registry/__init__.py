"""Requests and answers of the registry of models."""
