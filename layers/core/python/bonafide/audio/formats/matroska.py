"""Matroska and WebM (RFC 9559, 8794): the packets of a sound track."""

from collections.abc import Iterator
from dataclasses import dataclass

from bonafide.audio.refusal import refuse

MAGIC = b"\x1aE\xdf\xa3"
_SEGMENT, _CLUSTER, _GROUP, _TRACKS, _ENTRY = 0x18538067, 0x1F43B675, 0xA0, 0x1654AE6B, 0xAE
_SIMPLE_BLOCK, _BLOCK = 0xA3, 0xA1
_NUMBER, _TYPE, _CODEC, _PRIVATE, _ENCODINGS = 0xD7, 0x83, 0x86, 0x63A2, 0x6D80
# Elements that are walked through; the segment and its clusters may be of unknown length, as live recordings are.
_INSIDE = frozenset({_SEGMENT, _CLUSTER, _GROUP, _TRACKS})
_AUDIO = 2
# A minute has 24,000 of the shortest packets of Opus, and a few elements around each.
_MOST_ELEMENTS = 200_000
_LACING = 0x06


@dataclass(slots=True)
class _Track:
    """A sound track: its number, codec and the codec's header."""

    number: int = 0
    kind: int = 0
    codec: str = ""
    private: bytes = b""
    encoded: bool = False


def track(content: bytes, codec: str) -> tuple[bytes, Iterator[bytes]]:
    """Finds the only sound track.

    Args:
        content: of the file.
        codec: that it has to be of, as Matroska names it.

    Returns:
        The header of the codec, and its packets.

    Raises:
        UnsupportedAudio: there are no or several sound tracks, or it is of another codec, or the file is damaged.
    """
    tracks = [_entry(body) for name, body in _elements(memoryview(content)) if name == _ENTRY]
    sound = [each for each in tracks if each.kind == _AUDIO]
    if len(sound) != 1:
        raise refuse("audio_malformed", "The file must hold one sound track.", limit=1, found=len(sound))
    (found,) = sound
    if found.codec != codec or found.encoded:
        name = f"{found.codec[:32]} in Matroska or WebM"
        raise refuse("audio_encoding_unsupported", "This codec is not taken.", limit=f"{codec} in it", found=name)
    return found.private, _packets(content, found.number)


def _packets(content: bytes, number: int) -> Iterator[bytes]:
    for name, body in _elements(memoryview(content)):
        if name in {_SIMPLE_BLOCK, _BLOCK}:
            track_number, at = _vint(body, 0)
            if track_number != number or len(body) < at + 3:
                continue
            if body[at + 2] & _LACING:
                raise refuse("audio_encoding_unsupported", "Laced blocks are not taken.", found="laced blocks")
            yield bytes(body[at + 3 :])


def _entry(body: memoryview) -> _Track:
    found = _Track()
    for name, value in _elements(body):
        if name == _NUMBER:
            found.number = int.from_bytes(value)
        elif name == _TYPE:
            found.kind = int.from_bytes(value)
        elif name == _CODEC:
            found.codec = bytes(value).rstrip(b"\0").decode("ascii", "replace")
        elif name == _PRIVATE:
            found.private = bytes(value)
        found.encoded |= name == _ENCODINGS
    return found


def _elements(view: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yields elements in order; those of `_INSIDE` by what they hold, so that no nesting of them costs more.

    Raises:
        UnsupportedAudio: an element is longer than what was sent.
    """
    at = 0
    for _ in range(_MOST_ELEMENTS):
        if at >= len(view):
            return
        name, at = _identifier(view, at)
        size, at = _vint(view, at)
        if name in _INSIDE:
            continue
        if size is None or at + size > len(view):
            raise refuse("audio_truncated", "An element of the file is longer than what was sent.", found=len(view))
        yield name, view[at : at + size]
        at += size
    raise refuse("audio_too_long", "The file has more elements than the longest audio.", limit=_MOST_ELEMENTS)


def _identifier(view: memoryview, at: int) -> tuple[int, int]:
    length = 9 - view[at].bit_length()
    if length > 4 or at + length > len(view):
        raise refuse("audio_malformed", "The file is no sound Matroska.", found=at)
    return int.from_bytes(view[at : at + length]), at + length


def _vint(view: memoryview, at: int) -> tuple[int | None, int]:
    """Reads a number of variable length, None if all its bits are ones, and where the next byte is."""
    length = 9 - view[at].bit_length() if at < len(view) else 9
    if length > 8 or at + length > len(view):
        raise refuse("audio_malformed", "The file is no sound Matroska.", found=at)
    value = int.from_bytes(view[at : at + length]) & (1 << 7 * length) - 1
    return (None if value == (1 << 7 * length) - 1 else value), at + length
