"""Parser of RIFF/WAVE, of its 64-bit (EBU Tech 3306) and big-endian forms, that trusts no byte of its input."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bonafide.audio.formats.kinds import other
from bonafide.audio.formats.linear import EXPAND
from bonafide.audio.refusal import refuse

_MOST_CHUNKS = 1024
_EXTENSIBLE = 0xFFFE
# Of the GUID of a WAVE_FORMAT_EXTENSIBLE sub-format, the first two bytes are the plain format tag and these the rest.
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
# Programs that write to a pipe cannot go back and fill in a size. They leave 0, or a number from here on: 2 * 10^9,
# 2^31 less a few thousand (0x7FFFF000), 2^31 - 1, 2^31, or 2^32 - 1. No recording of that size is taken.
_UNKNOWN_FROM = 2_000_000_000
# By format tag and bits.
_ENCODINGS = {
    (1, 16): "pcm_s16le",
    (1, 24): "pcm_s24le",
    (1, 32): "pcm_s32le",
    (3, 32): "pcm_f32le",
    (3, 64): "pcm_f64le",
    (6, 8): "alaw",
    (7, 8): "mulaw",
}
TAKEN = "PCM of 16, 24 or 32 bits, IEEE float of 32 or 64 bits, A-law, mu-law"
_NAMES = {
    1: "PCM",
    2: "MS ADPCM",
    3: "IEEE float",
    6: "A-law",
    7: "mu-law",
    17: "IMA ADPCM",
    20: "G.723 ADPCM",
    49: "GSM 06.10",
    64: "G.721 ADPCM",
    69: "G.726",
    80: "MPEG layer 1 or 2",
    85: "MP3",
    100: "G.726",
    101: "G.722",
    131: "G.729",
    255: "AAC",
    352: "WMA",
    353: "WMA",
    655: "G.722",
    28781: "Opus",
    61868: "FLAC",
}
# Order of bytes by the name of the first chunk.
_ORDERS = {b"RIFF": "<", b"RF64": "<", b"BW64": "<", b"RIFX": ">"}


@dataclass(frozen=True, slots=True)
class WavData:
    """The sample data of a WAV file: `data` is whole frames of `channels` interleaved samples."""

    encoding: str
    rate: int
    channels: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A chunk; `missing` is the number of its bytes that the content does not hold."""

    name: bytes
    body: memoryview
    missing: int = 0


def parse(content: bytes) -> WavData:
    """Finds format and data; the data chunk's own length counts, the one in the RIFF header is ignored.

    A length that the writer did not know means all that follows. Bytes after the last whole frame do not count.

    Raises:
        UnsupportedAudio: the file is damaged, has two data chunks, or is of another encoding.
    """
    order = _ORDERS.get(bytes(content[:4]))
    if order is None or content[8:12] != b"WAVE":
        raise other("WAV", content)
    layout, data = _parts(content, order)
    if data is None:
        raise refuse("audio_malformed", "The WAV file has no data chunk where one is looked for.", limit=_MOST_CHUNKS)
    if layout is None:
        raise refuse("audio_malformed", "The WAV data comes before its format.")
    encoding, rate, channels, frame_bytes = layout
    whole = data[: len(data) // frame_bytes * frame_bytes]
    return WavData(encoding, rate, channels, whole if order == "<" else _swapped(whole, EXPAND[encoding].width))


def _swapped(data: memoryview, width: int) -> memoryview:
    """Returns samples with their bytes in the other order."""
    return memoryview(np.frombuffer(data, np.uint8).reshape(-1, width)[:, ::-1].tobytes())


def _parts(content: bytes, order: str) -> tuple[tuple[str, int, int, int] | None, memoryview | None]:
    """Returns the format in front of the data, and the data.

    Behind the data a chunk may be cut off, since nothing there is needed.
    """
    layout: tuple[str, int, int, int] | None = None
    data: memoryview | None = None
    for chunk in _chunks(content, order):
        if data is not None:
            _require_no_more(chunk)
        elif chunk.missing:
            raise refuse(
                "audio_truncated",
                "A WAV chunk is longer than what was sent.",
                limit=len(chunk.body),
                found=len(chunk.body) + chunk.missing,
            )
        elif chunk.name == b"fmt ":
            layout = _format(chunk.body, order)
        elif chunk.name == b"data":
            data = chunk.body
    return layout, data


def _require_no_more(chunk: _Chunk) -> None:
    """Refuses a second data chunk: half a recording would be taken for the whole."""
    if chunk.name == b"data":
        raise refuse("audio_malformed", "The WAV file has more than one data chunk.", limit=1, found="two data chunks")


def _chunks(content: bytes, order: str) -> Iterator[_Chunk]:
    """Yields the chunks after the RIFF header, the last of which may be cut off."""
    view, at, wide = memoryview(content), 12, 0
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(content):
            return
        name, size = struct.unpack_from(f"{order}4sI", content, at)
        at += 8
        if name == b"data":
            size = wide if size == 0xFFFFFFFF and 0 < wide < 1 << 63 else _data_size(content, at, size, order)
        body = view[at : at + size]
        yield _Chunk(name, body, size - len(body))
        if name == b"ds64" and size >= 16:
            wide = struct.unpack_from("<Q", body, 8)[0]
        at = _after(content, at + size, size, order)


def _data_size(content: bytes, at: int, size: int, order: str) -> int:
    """Returns how many bytes of data there are from `at`: all that follow, if the writer did not know."""
    unknown = size >= _UNKNOWN_FROM or (size == 0 and not _is_chunk(content, at, order))
    return len(content) - at if unknown else size


def _after(content: bytes, end: int, size: int, order: str) -> int:
    """Returns where the next chunk begins: behind a byte of padding, which some writers leave out.

    A byte of padding is zero; if it is not, what looks like a chunk's name tells.
    """
    if size % 2 == 0 or content[end : end + 1] == b"\0":
        return end + size % 2
    return end if _is_name(content[end : end + 4]) and not _is_chunk(content, end + 1, order) else end + 1


def _is_chunk(content: bytes, at: int, order: str) -> bool:
    """Tells whether a chunk begins there that the content holds whole."""
    if at + 8 > len(content) or not _is_name(content[at : at + 4]):
        return False
    return bool(at + 8 + struct.unpack_from(f"{order}I", content, at + 4)[0] <= len(content) + 1)


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(0x20 <= each < 0x7F for each in name)


def _format(body: memoryview, order: str) -> tuple[str, int, int, int]:
    """Reads encoding, rate, channels and bytes a frame from a `fmt ` chunk."""
    if len(body) < 16:
        raise refuse("audio_malformed", "The WAV format chunk is too short.", limit=16, found=len(body))
    tag, channels, rate, _, frame_bytes, bits = struct.unpack_from(f"{order}HHIIHH", body)
    if tag == _EXTENSIBLE:
        if len(body) < 40 or body[26:40] != _GUID_TAIL:
            raise refuse("audio_malformed", "The extensible WAV format is too short or of an unknown kind.")
        tag = struct.unpack_from(f"{order}H", body, 24)[0]
    encoding = _ENCODINGS.get((tag, bits))
    if encoding is None:
        found = f"{_NAMES.get(tag, f'format 0x{tag:04x}')}, {bits} bits"
        raise refuse("audio_encoding_unsupported", "This WAV encoding is not supported.", limit=TAKEN, found=found)
    frame = channels * EXPAND[encoding].width
    # Some writers leave the size of a block at zero.
    if frame_bytes not in {0, frame} or channels == 0:
        raise refuse("audio_malformed", "The WAV block size does not fit its channels.", found=frame_bytes)
    return encoding, rate, channels, frame
