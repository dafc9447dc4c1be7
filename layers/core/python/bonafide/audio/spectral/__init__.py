"""Measurements on the spectra of a recording: its level, its noise, its true band, and tones that are no speech."""
