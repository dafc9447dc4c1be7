"""Formats of audio: containers and codecs, each read from untrusted bytes."""
