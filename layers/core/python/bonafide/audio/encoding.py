"""Encodings of recordings."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class Encoding(StrEnum):
    """Supported encodings: those of files, the codec telling the container, and those of bare samples in BARE."""

    WAV = "wav"
    FLAC = "flac"
    PCM_S16LE = "pcm_s16le"
    ALAW = "alaw"
    MULAW = "mulaw"
    MP3 = "mp3"
    OPUS = "opus"
    G722 = "g722"


BARE = frozenset({Encoding.PCM_S16LE, Encoding.ALAW, Encoding.MULAW, Encoding.G722})


@dataclass(frozen=True, slots=True)
class RecordingFormat:
    """Format of a recording.

    Attributes:
        encoding: of the bytes.
        sample_rate: Hz; needed for bare samples, checked against the header of files when given.
        channel: index of the channel to take; needed when there is more than one.
    """

    encoding: Encoding = Encoding.WAV
    sample_rate: int | None = None
    channel: int | None = None

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Reads a format out of a larger document."""
        return cls(Encoding(document["encoding"]), document["sample_rate"], document["channel"])
