"""Records of administrative acts that are kept for an audit."""
