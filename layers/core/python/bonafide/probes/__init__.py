"""Golden calls: requests whose right answer is known, sent to a new version or to the service as a whole."""
