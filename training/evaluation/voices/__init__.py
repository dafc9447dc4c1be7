"""Measures how well several voices in one recording, and a change of voice in a session, are noticed."""
