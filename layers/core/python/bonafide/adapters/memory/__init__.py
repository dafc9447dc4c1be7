"""In-memory implementations of the stores, for tests; contract tests hold both kinds to the same behavior."""
