"""Templates that can be renewed and that cannot be linked across domains."""
