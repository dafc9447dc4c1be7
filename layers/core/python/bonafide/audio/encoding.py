"""Encodings of recordings."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class Encoding(StrEnum):
    """Supported encodings; the last three are bare samples."""

    WAV = "wav"
    FLAC = "flac"
    PCM_S16LE = "pcm_s16le"
    ALAW = "alaw"
    MULAW = "mulaw"


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
