"""RIFF/WAVE files: which format and where the samples are."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from bonafide_client.errors import UnplayableRecording

EXTENSIBLE = 0xFFFE
# By format tag and bits a sample.
ENCODINGS = {(1, 16): "pcm_s16le", (6, 8): "alaw", (7, 8): "mulaw"}
TAKEN = "PCM of 16 bits, A-law and mu-law"


@dataclass(frozen=True)
class WavSamples:
    """The samples of a WAV file: `data` is whole frames of `channels` interleaved samples."""

    encoding: str
    rate: int
    channels: int
    data: bytes


def parse(content: bytes) -> WavSamples:
    """Finds format and samples of a file.

    Raises:
        UnplayableRecording: it is damaged, or of another encoding than the service takes in sessions.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise UnplayableRecording("the recording is neither WAV nor FLAC")
    layout = None
    for name, body in _chunks(content):
        if name == b"fmt ":
            layout = _layout(body)
        elif name == b"data" and layout:
            encoding, rate, channels, frame = layout
            return WavSamples(encoding, rate, channels, body[: len(body) // frame * frame])
    raise UnplayableRecording("the WAV file has no samples after a format")


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        if at + 8 + size > len(content):
            raise UnplayableRecording("the WAV file is cut off")
        yield name, content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _layout(body: bytes) -> tuple[str, int, int, int]:
    """Returns encoding, rate, channels, and bytes a frame."""
    if len(body) < 16:
        raise UnplayableRecording("the WAV format is too short")
    tag, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", body)
    if tag == EXTENSIBLE and len(body) >= 26:
        tag = struct.unpack_from("<H", body, 24)[0]
    encoding = ENCODINGS.get((tag, bits))
    if encoding is None:
        raise UnplayableRecording(f"the WAV file has format {tag} of {bits} bits; taken are {TAKEN}")
    if channels == 0 or frame != channels * bits // 8:
        raise UnplayableRecording("the WAV file contradicts itself about its channels")
    return encoding, rate, channels, frame
