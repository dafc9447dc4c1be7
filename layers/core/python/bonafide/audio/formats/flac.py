"""Reader of FLAC (RFC 9639) that trusts no byte of its input.

dr_flac, inside the miniaudio package, decodes the frames; its module `_miniaudio` is called directly because the
package above it only decodes a whole file at once (a few kilobytes can hold hours of silence) or guesses other formats
when the FLAC is bad, and takes 0.3 s to import.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from _miniaudio import ffi, lib  # type: ignore[import-not-found]
from numpy.typing import NDArray

from bonafide.audio.formats import kinds, ogg
from bonafide.audio.formats.linear import rounded
from bonafide.audio.g711 import Pcm
from bonafide.audio.refusal import refuse

_STREAMINFO_END = 42  # "fLaC", a metadata block header of 4 bytes, and 34 bytes of STREAMINFO
_FRAMES_AT_ONCE = 4096
# Samples a frame by the code in its header (RFC 9639, 9.1.1); codes 6 and 7 name them in one or two bytes of their own.
_BLOCK_SIZES = np.array([0, 192, 576, 1152, 2304, 4608, 0, 0, *(256 << code for code in range(8))])
# Bytes of a frame's number by the first of them, which is coded like a character in UTF-8.
_NUMBER_BYTES = np.array([1] * 192 + [2] * 32 + [3] * 16 + [4] * 8 + [5] * 4 + [6] * 2 + [7, 1])
_LONGEST_HEADER = 16
LOWEST_BITS = 16
TAKEN = "FLAC of 16 to 32 bits"

type Decoded = NDArray[np.int16] | NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """The first metadata block; `frames` is 0 and `md5` all zero bytes when the encoder did not know."""

    rate: int
    channels: int
    bits: int
    frames: int
    md5: bytes

    @classmethod
    def parse(cls, content: bytes) -> "StreamInfo":
        """Reads the head of a stream that begins with `fLaC`."""
        if len(content) < _STREAMINFO_END:
            raise refuse("audio_truncated", "The FLAC stream ends inside its header.", found=len(content))
        if content[4] & 0x7F or content[5:8] != b"\x00\x00\x22":
            raise refuse("audio_malformed", "The FLAC stream does not start with its STREAMINFO block.")
        packed = int.from_bytes(content[18:26])  # 20 bits rate, 3 channels - 1, 5 bits - 1, 36 frames
        return cls(
            rate=packed >> 44,
            channels=(packed >> 41 & 7) + 1,
            bits=(packed >> 36 & 31) + 1,
            frames=packed & (1 << 36) - 1,
            md5=content[26:_STREAMINFO_END],
        )


def native(content: bytes) -> bytes:
    """Returns a stream without the ID3v2 tags in front of it, and without Ogg around it (RFC 9639, 10.1).

    Raises:
        UnsupportedAudio: the Ogg is damaged or holds something else.
    """
    bare = kinds.without_tags(content)
    if bare.startswith(b"fLaC"):
        return bare
    if not bare.startswith(b"OggS"):
        raise kinds.other("FLAC", content)
    first, *rest = ogg.packets(bare)
    if first[:5] != b"\x7fFLAC" or first[9:13] != b"fLaC":
        raise kinds.other("FLAC", content)
    return first[9:] + b"".join(rest)


def _announced(content: bytes) -> int:
    """Returns how many samples a channel everything announces that looks like the header of a frame.

    Chance adds 0.07 for each byte: 2 of 65,536 pairs of bytes look like the start of one, 30 % of those go on like one,
    and they announce 7,000 samples in the mean.
    """
    data = np.frombuffer(content + bytes(_LONGEST_HEADER), np.uint8)
    ends = len(content)
    at = np.flatnonzero((data[:ends] == 0xFF) & (data[1 : ends + 1] & 0xFE == 0xF8))
    at = at[(data[at + 2] & 15 < 15) & (data[at + 3] < 0xB0) & (data[at + 3] & 1 == 0)]
    code, after = data[at + 2] >> 4, at + 4 + _NUMBER_BYTES[data[at + 4]]
    short, low = data[after].astype(int), data[after + 1]
    return int(np.select([code == 6, code == 7], [short + 1, short * 256 + low + 1], _BLOCK_SIZES[code]).sum())


def _blocks(content: bytes, info: StreamInfo, most: int) -> Iterator[Decoded]:
    """Yields decoded blocks, shape (frames, channels), at most `most` frames in all; all but 16 bits fill 32 bits."""
    dtype, kind, decoder = (
        (np.int16, "short[]", lib.ma_dr_flac_read_pcm_frames_s16)
        if info.bits == LOWEST_BITS
        else (np.int32, "int[]", lib.ma_dr_flac_read_pcm_frames_s32)
    )
    source = ffi.from_buffer(content)
    flac = lib.ma_dr_flac_open_memory(source, len(content), ffi.NULL)
    if flac == ffi.NULL:
        raise refuse("audio_malformed", "The FLAC stream has no readable header.")
    try:
        if flac.channels != info.channels:  # the buffer below would be too small
            raise refuse("audio_malformed", "The FLAC header is ambiguous.")
        while most > 0:
            block = np.empty((min(_FRAMES_AT_ONCE, most), info.channels), dtype)
            read = decoder(flac, len(block), ffi.from_buffer(kind, block))
            if read == 0:
                return
            yield block[:read]
            most -= read
    finally:
        lib.ma_dr_flac_close(flac)


def read(content: bytes, info: StreamInfo, channel: int, most: int) -> Pcm:
    """Decodes one channel, shape (n,); more than `most` frames are cut, so n = most + 1 says that there was more.

    A frame with a bad checksum is skipped by the decoder: the counts and the MD5 of the header tell that it is missing.
    It is decoded before, and a few bytes can be half a million samples, so there may not be many more than are wanted.
    """
    if (announced := _announced(content)) > 2 * most + len(content) // 4:
        raise refuse("audio_too_long", "The frames hold far more than the longest audio.", limit=most, found=announced)
    digest = hashlib.md5(usedforsecurity=False)
    parts = [np.empty(0, np.int16)]
    for block in _blocks(content, info, most + 1):
        digest.update(_as_hashed(block, info.bits))
        parts.append(_narrow(block[:, channel]))
    pcm = np.concatenate(parts)
    if len(pcm) <= most:
        _check(info, len(pcm), digest.digest())
    return pcm


def _narrow(samples: Decoded) -> Pcm:
    """Returns samples of 16 bits, in memory of their own."""
    return rounded(samples.astype(np.int32, copy=False)) if samples.dtype == np.int32 else samples.astype(np.int16)


def _as_hashed(block: Decoded, bits: int) -> bytes:
    """Returns samples as the MD5 in the header is of them: little endian, in as few bytes as their bits need."""
    if bits == LOWEST_BITS:
        return block.tobytes()
    four = np.ascontiguousarray(block >> 32 - bits).view(np.uint8).reshape(-1, 4)
    return four[:, : -(-bits // 8)].tobytes()


def _check(info: StreamInfo, frames: int, md5: bytes) -> None:
    """Refuses a stream that contradicts its own header."""
    if frames < info.frames:
        raise refuse("audio_truncated", "Frames are missing or damaged.", limit=info.frames, found=frames)
    if info.frames and frames > info.frames:
        raise refuse("audio_malformed", "There are more frames than announced.", limit=info.frames, found=frames)
    if any(info.md5) and md5 != info.md5:
        raise refuse("audio_malformed", "The decoded audio does not match the MD5 in the FLAC header.")
