"""Reader of MP3 that trusts no byte of its input.

The frames are counted by their headers first, so that nothing is decoded that is too long, changes its rate or number
of channels, or has anything between its frames; dr_mp3, inside the miniaudio package, decodes what is left.
"""

from dataclasses import dataclass

import numpy as np
from _miniaudio import ffi, lib  # type: ignore[import-not-found]

from bonafide.audio.formats import kinds, mpeg
from bonafide.audio.g711 import Pcm
from bonafide.audio.refusal import refuse

# A recording that was cut out of a longer one begins inside a frame; a frame has 1,441 bytes at most.
_SEARCHED = 4096
_FRAMES_AT_ONCE = 4096
# What may follow the frames.
_TAGS = (b"TAG", b"APETAGEX", b"ID3", b"LYRICSBEGIN", b"3DI")
_COUNTED = 1  # flag of a Xing header that tells the number of frames


@dataclass(frozen=True, slots=True)
class Mp3Frames:
    """Frames of one kind without a gap: `frames` samples of each channel, in `data`."""

    rate: int
    channels: int
    frames: int
    data: bytes


def parse(content: bytes, longest: float) -> Mp3Frames:
    """Finds the frames.

    Args:
        content: of the file.
        longest: seconds, from which on the rest is not counted.

    Raises:
        UnsupportedAudio: it is no MP3, damaged, cut off, or of two kinds of frames.
    """
    bare = kinds.without_tags(content)
    begin = _begin(bare)
    if begin is None:
        raise kinds.other("MP3", content)
    return _counted(bare, *begin, longest)


def _counted(content: bytes, first: mpeg.Frame, start: int, longest: float) -> Mp3Frames:
    end, total, whole, count = start, 0, True, -1
    for at, frame in mpeg.frames(content, start):
        if at + frame.length > len(content):
            whole = False
            break
        end, total, count = at + frame.length, total + frame.samples, count + 1
        if total > longest * first.rate:
            break
    else:
        _require_end(content, end)
    _require_frames(_announced(content[start:], first), count, whole)
    return Mp3Frames(first.rate, first.channels, total, content[start:end])


def _begin(content: bytes) -> tuple[mpeg.Frame, int] | None:
    """Returns the first frame that another one follows, and where it begins, if there is one."""
    for at in range(min(_SEARCHED, len(content))):
        first = mpeg.Frame.at(content, at) if content[at] == 0xFF else None
        following = mpeg.Frame.at(content, at + first.length) if first else None
        if first and following and first.kind == following.kind and first.layer == mpeg.LAYER_3:
            return first, at
    return None


def _announced(content: bytes, first: mpeg.Frame) -> int | None:
    """Returns how many frames a Xing header in the first frame says that follow it, if there is one."""
    at = mpeg.HEADER_BYTES + first.side_bytes
    if content[at : at + 4] not in {b"Xing", b"Info"} or not content[at + 7] & _COUNTED:
        return None
    return int.from_bytes(content[at + 8 : at + 12])


def _require_frames(announced: int | None, found: int, whole: bool) -> None:
    """Refuses a file that holds fewer frames than it says; one that says nothing may end inside a frame."""
    if announced is not None and not whole and found < announced:
        raise refuse("audio_truncated", "Frames of the MP3 are missing.", limit=announced, found=found)


def _require_end(content: bytes, end: int) -> None:
    """Refuses what is no frame between frames; tags and zeros may follow the last one."""
    rest = content[end : end + 16]
    if len(content) - end >= mpeg.HEADER_BYTES and any(rest) and not rest.startswith(_TAGS):
        raise refuse("audio_malformed", "Something between the frames of the MP3 is none.", found=end)


def read(stream: Mp3Frames, channel: int) -> Pcm:
    """Decodes one channel, shape (n,), at most as many samples as the frames hold.

    Raises:
        UnsupportedAudio: the decoder reads something else than the headers say.
    """
    parts = [np.empty(0, np.int16)]
    with ffi.new("ma_dr_mp3 *") as decoder:
        if not lib.ma_dr_mp3_init_memory(decoder, ffi.from_buffer(stream.data), len(stream.data), ffi.NULL):
            raise refuse("audio_malformed", "The MP3 cannot be decoded.")
        try:
            # The buffer below would be too small for more channels.
            if (decoder.channels, decoder.sampleRate) != (stream.channels, stream.rate):
                raise refuse("audio_malformed", "The MP3 header is ambiguous.")
            parts += _blocks(decoder, stream, channel)
        finally:
            lib.ma_dr_mp3_uninit(decoder)
    return np.concatenate(parts)


def _blocks(decoder: object, stream: Mp3Frames, channel: int) -> list[Pcm]:
    left, parts = stream.frames, []
    while left > 0:
        block = np.empty((min(_FRAMES_AT_ONCE, left), stream.channels), np.int16)
        read = lib.ma_dr_mp3_read_pcm_frames_s16(decoder, len(block), ffi.from_buffer("short[]", block))
        if read == 0:
            break
        parts.append(block[:read, channel].copy())
        left -= read
    return parts
