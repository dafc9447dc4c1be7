"""Use cases of the archive: adding decisions, finding those that were missed, and sealing days."""
