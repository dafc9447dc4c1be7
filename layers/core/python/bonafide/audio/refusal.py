"""How audio is refused."""

from bonafide.errors import UnsupportedAudio


def refuse(code: str, detail: str, *, limit: object = None, found: object = None) -> UnsupportedAudio:
    """Make the error; `decode` adds which field of the request it is about."""
    return UnsupportedAudio(code, detail, limit=limit, found=found)
