"""Cuts audio into the chunks of a session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

# What the service recommends, and the shortest chunk that it takes.
CHUNK_SECONDS = 4.0
SHORTEST_SECONDS = 0.5


def width(encoding: str) -> int:
    """Returns bytes a sample of a raw encoding."""
    return 2 if encoding == "pcm_s16le" else 1


def sizes(encoding: str, rate: int, seconds: float) -> tuple[int, int]:
    """Returns bytes of a chunk of so many seconds, and of the shortest one that is taken."""
    sample = width(encoding)
    return round(seconds * rate) * sample, round(SHORTEST_SECONDS * rate) * sample


def cut(pieces: Iterable[bytes], size: int, shortest: int) -> Iterator[bytes]:
    """Cuts without overlap; a rest that is too short to be taken goes with the chunk before it.

    Args:
        pieces: of audio, of any length.
        size: of a chunk, bytes.
        shortest: that is taken, bytes.
    """
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= size + shortest:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)
