"""Cost of the signals of a call."""
