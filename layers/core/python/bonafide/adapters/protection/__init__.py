"""Encryption of voiceprints and of the evidence of sessions: decision 0032."""
