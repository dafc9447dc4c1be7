"""Audio that is streamed while it is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bonafide_client.chunks import CHUNK_SECONDS, cut, sizes


@dataclass(frozen=True)
class LiveAudio:
    """Bare mono samples that arrive in pieces of any length, such as the frames of a telephone.

    Attributes:
        encoding: pcm_s16le, alaw or mulaw.
        rate: samples a second.
        pieces: of audio; the session ends with them.
    """

    encoding: str
    rate: int
    pieces: Iterable[bytes]

    @property
    def seconds(self) -> None:
        """Nobody knows how long it will be."""
        return

    def chunks(self, seconds: float = CHUNK_SECONDS) -> Iterator[bytes]:
        """Cuts into chunks of so many seconds, each as soon as what follows is long enough to be sent as well."""
        return cut(self.pieces, *sizes(self.encoding, self.rate, seconds))
