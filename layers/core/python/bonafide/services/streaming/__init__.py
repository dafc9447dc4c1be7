"""Use cases of sessions whose audio arrives in chunks."""
