"""Parser of RIFF/WAVE that trusts no byte of its input."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bonafide.audio.files import named
from bonafide.audio.refusal import refuse

_MOST_CHUNKS = 64
_EXTENSIBLE = 0xFFFE
# Of the GUID of a WAVE_FORMAT_EXTENSIBLE sub-format, the first two bytes are the plain format tag and these the rest.
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
# By format tag and bits.
ENCODINGS = {(1, 16): "pcm_s16le", (6, 8): "alaw", (7, 8): "mulaw"}
_TAKEN = "PCM 16 bits, A-law 8 bits, mu-law 8 bits"
_NAMES = {1: "PCM", 2: "MS ADPCM", 3: "IEEE float", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM", 49: "GSM", 85: "MP3"}


@dataclass(frozen=True, slots=True)
class WavData:
    """The sample data of a WAV file: `data` is whole frames of `channels` interleaved samples."""

    encoding: str
    rate: int
    channels: int
    data: memoryview


def _chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yields the chunks after the RIFF header; ends at the first one that the content does not hold whole."""
    view, at = memoryview(content), 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(content):
            break
        name, size = struct.unpack_from("<4sI", content, at)
        if at + 8 + size > len(content):
            raise refuse(
                "audio_truncated",
                "A WAV chunk is longer than what was sent.",
                limit=len(content) - at - 8,
                found=size,
            )
        yield name, view[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    raise refuse("audio_malformed", "The WAV file has no data chunk where one is looked for.", limit=_MOST_CHUNKS)


def _format(body: memoryview, encodings: Mapping[tuple[int, int], str]) -> tuple[str, int, int, int]:
    """Reads encoding, rate, channels and bytes a frame from a `fmt ` chunk."""
    if len(body) < 16:
        raise refuse("audio_malformed", "The WAV format chunk is too short.", limit=16, found=len(body))
    tag, channels, rate, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE:
        if len(body) < 40 or body[26:40] != _GUID_TAIL:
            raise refuse("audio_malformed", "The extensible WAV format is too short or of an unknown kind.")
        tag = struct.unpack_from("<H", body, 24)[0]
    encoding = encodings.get((tag, bits))
    if encoding is None:
        found = f"{_NAMES.get(tag, f'format 0x{tag:04x}')}, {bits} bits"
        raise refuse("audio_encoding_unsupported", "This WAV encoding is not supported.", limit=_TAKEN, found=found)
    if frame_bytes != channels * bits // 8 or channels == 0:
        raise refuse("audio_malformed", "The WAV block size does not fit its channels.", found=frame_bytes)
    return encoding, rate, channels, frame_bytes


def parse(content: bytes, encodings: Mapping[tuple[int, int], str] = ENCODINGS) -> WavData:
    """Finds format and data; the data chunk's own length counts, the one in the RIFF header is ignored.

    Args:
        content: the file.
        encodings: names of those that are supported, by format tag and bits.

    Raises:
        UnsupportedAudio: the file is damaged, or of another encoding.
    """
    head = bytes(content[:12])
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise refuse("audio_malformed", "The content is not RIFF/WAVE.", limit="RIFF....WAVE", found=named(content))
    layout = None
    for name, body in _chunks(content):
        if name == b"fmt ":
            layout = _format(body, encodings)
        elif name == b"data":
            break
    if layout is None:
        raise refuse("audio_malformed", "The WAV data comes before its format.")
    encoding, rate, channels, frame_bytes = layout
    if len(body) % frame_bytes:
        raise refuse("audio_truncated", "The WAV data ends inside a frame.", limit=frame_bytes, found=len(body))
    return WavData(encoding, rate, channels, body)
