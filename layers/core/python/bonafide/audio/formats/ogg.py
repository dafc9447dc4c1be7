"""Ogg (RFC 3533): the packets of a stream, and a stream of packets."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bonafide.audio.formats.kinds import named
from bonafide.audio.refusal import refuse

_HEAD = struct.Struct("<4sBBqIIIB")
_SERIAL = 1
# A minute has 24,000 of the shortest packets of Opus, and seldom as many pages.
_MOST_PAGES = 50_000
_LACING = 255
FIRST, LAST = 2, 4
_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


@dataclass(frozen=True, slots=True)
class _Page:
    """One page.

    Attributes:
        position: in samples, of the end of the last packet that ends on it; -1 if none does.
        serial: number of its stream.
        lacing: lengths of segments; a packet goes on while they are 255.
        body: the segments.
    """

    position: int
    serial: int
    lacing: bytes
    body: memoryview


def packets(content: bytes) -> Iterator[bytes]:
    """Yields the packets of the only stream.

    Raises:
        UnsupportedAudio: the file is damaged or ends inside a page, or holds more than one stream.
    """
    held: list[memoryview] = []
    for page in _pages(content):
        at = 0
        for length in page.lacing:
            held.append(page.body[at : at + length])
            at += length
            if length < _LACING:
                yield b"".join(held)
                held = []


def end(content: bytes) -> int:
    """Returns the position of the end of the stream, in samples; -1 if no page tells."""
    return max((page.position for page in _pages(content)), default=-1)


def _pages(content: bytes) -> Iterator[_Page]:
    view, at, serial = memoryview(content), 0, None
    for _ in range(_MOST_PAGES):
        if at >= len(content):
            return
        if content[at : at + 4] != b"OggS":
            raise refuse("audio_malformed", "An Ogg page is missing.", limit="OggS", found=named(content[at:]))
        page, at = _page(view, at)
        serial = page.serial if serial is None else serial
        if page.serial != serial:
            raise refuse("audio_malformed", "The Ogg file holds more than one stream.", limit=1)
        yield page
    raise refuse("audio_too_long", "The Ogg file has more pages than the longest audio.", limit=_MOST_PAGES)


def _page(view: memoryview, at: int) -> tuple[_Page, int]:
    """Reads one page, and where the next one begins."""
    if at + _HEAD.size > len(view):
        raise _cut(view)
    *_, position, serial, _, checksum, count = _HEAD.unpack_from(view, at)
    lacing = bytes(view[at + _HEAD.size : at + _HEAD.size + count])
    start = at + _HEAD.size + count
    stop = start + sum(lacing)
    if len(lacing) < count or stop > len(view):
        raise _cut(view)
    zeroed = bytes(view[at : at + 22]) + bytes(4) + bytes(view[at + 26 : stop])
    if checksum != _checksum(zeroed):
        raise refuse("audio_malformed", "An Ogg page does not match its checksum.")
    return _Page(position, serial, lacing, view[start:stop]), stop


def _cut(view: memoryview) -> Exception:
    return refuse("audio_truncated", "The Ogg file ends inside a page.", found=len(view))


def _checksum(page: bytes) -> int:
    """Returns the CRC of RFC 3533: that of zlib with bits in the other order, from 0 and without a last inversion."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def stream(pages: Sequence[tuple[int, Sequence[bytes]]]) -> bytes:
    """Writes one stream.

    Args:
        pages: position of the end, and packets of at most 255 segments together, of each page.
    """
    return b"".join(
        _written(number, position, held, FIRST * (number == 0) | LAST * (number == len(pages) - 1))
        for number, (position, held) in enumerate(pages)
    )


def _written(number: int, position: int, held: Sequence[bytes], flags: int) -> bytes:
    lacing = b"".join(b"\xff" * (len(each) // _LACING) + bytes([len(each) % _LACING]) for each in held)
    head = _HEAD.pack(b"OggS", 0, flags, position, _SERIAL, number, 0, len(lacing))
    page = head + lacing + b"".join(held)
    return page[:22] + _checksum(page).to_bytes(4, "little") + page[26:]
