"""Voiceprints that are made anew from what is kept: in another embedding space, or another stored form."""
