"""Measures how surely replayed audio is found, and how seldom other audio is taken for it."""
