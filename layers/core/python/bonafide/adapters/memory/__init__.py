"""Twins of the stores, in memory, for tests of the services; contract tests hold both kinds to the same behavior."""
