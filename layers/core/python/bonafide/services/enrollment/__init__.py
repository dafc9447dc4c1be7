"""Enrollment: voiceprints are made of contributions, which can be taken back."""
