"""Search of known voices: one voice against many."""
