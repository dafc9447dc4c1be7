"""Refusals of audio."""

from bonafide.errors import Subject, UnsupportedAudio


def refuse(code: str, detail: str, *, limit: object = None, found: object = None) -> UnsupportedAudio:
    """Makes the error for a recording that cannot be used."""
    return UnsupportedAudio(code, detail, subject=Subject.AUDIO, limit=limit, found=found)
