"""Reader of Opus (RFC 6716) in Ogg (RFC 7845) and in WebM or Matroska, that trusts no byte of its input.

Containers are taken apart here. Packets are counted before anything is decoded, lose their padding, in which extensions
of the codec travel, and go to libopus, inside the opuscodec package, in an Ogg stream that is written here.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonafide.audio.formats import kinds, matroska, ogg
from bonafide.audio.g711 import Pcm
from bonafide.audio.refusal import refuse

RATE = 48000
_HEAD = struct.Struct("<8sBBHIhB")
_MOST_CHANNELS = 2
_TAGS = b"OpusTags" + bytes(8)
_LONGEST_PACKET_MS = 120
# Of a packet: what a page can hold, more than the 48 frames of 1,275 bytes that there can be.
_MOST_BYTES = 255 * 255
# End of a stream that does not tell it, in samples.
_UNKNOWN = 1 << 63
_PADDED, _COUNT = 0x40, 0x3F
TAKEN = "Opus in Ogg, WebM or Matroska, with one or two channels"


@dataclass(frozen=True, slots=True)
class OpusPackets:
    """A stream that is known to be sound on the outside.

    Attributes:
        origin: Hz, of what was encoded; 0 if the encoder did not say.
        channels: 1 or 2.
        frames: samples of each channel that it holds, at RATE.
        content: the stream in Ogg, as it was written here.
    """

    origin: int
    channels: int
    frames: int
    content: bytes


@dataclass(frozen=True, slots=True)
class _Head:
    """The identification header: `skip` samples at RATE come before the audio, `origin` is the rate before encoding."""

    channels: int
    skip: int
    origin: int
    gain: int

    @classmethod
    def parse(cls, packet: bytes) -> "_Head":
        if len(packet) < _HEAD.size or packet[:8] != b"OpusHead":
            raise refuse("audio_malformed", "The Opus stream has no header.")
        _, version, channels, skip, origin, gain, family = _HEAD.unpack_from(packet)
        if version > 15 or family or not 1 <= channels <= _MOST_CHANNELS:
            found = f"version {version}, mapping {family}, {channels} channels"
            raise refuse("audio_encoding_unsupported", "This kind of Opus is not supported.", limit=TAKEN, found=found)
        return cls(channels, skip, origin, gain)

    def packed(self) -> bytes:
        """Returns the header without what is not needed."""
        return _HEAD.pack(b"OpusHead", 1, self.channels, self.skip, self.origin, self.gain, 0)


def parse(content: bytes, most: int) -> OpusPackets:
    """Takes a file apart and counts its samples.

    Args:
        content: of the file.
        most: samples of a channel at RATE, from which on the rest is not counted.

    Raises:
        UnsupportedAudio: it is no such file, damaged, or of another kind of Opus.
    """
    bare = kinds.without_tags(content)
    if bare.startswith(b"OggS"):
        head, packets, end = _of_ogg(bare)
    elif bare.startswith(matroska.MAGIC):
        private, packets = matroska.track(bare, "A_OPUS")
        head, end = _Head.parse(private), _UNKNOWN
    else:
        raise kinds.other("Opus in a file", content)
    held = _counted(packets, most + head.skip, end)
    kept = min(held[-1][0], end) if held else 0
    return OpusPackets(head.origin, head.channels, max(0, kept - head.skip), _written(head, held, kept))


def _of_ogg(content: bytes) -> tuple[_Head, Iterator[bytes], int]:
    packets = ogg.packets(content)
    first = next(packets, b"")
    if first[:8] != b"OpusHead":
        raise kinds.other("Opus", content)
    next(packets, None)  # comments
    end = ogg.end(content)
    return _Head.parse(first), packets, _UNKNOWN if end < 0 else end


def _counted(packets: Iterator[bytes], most: int, end: int) -> list[tuple[int, bytes]]:
    """Returns where each packet ends, and the packet without padding, up to `end` or beyond `most` samples."""
    held: list[tuple[int, bytes]] = []
    total = 0
    for packet in packets:
        if total >= end or total > most:
            break
        total += samples(packet)
        held.append((total, without_padding(packet)))
    return held


def samples(packet: bytes) -> int:
    """Returns how many samples a packet holds at RATE (RFC 6716, 3.1 and 3.2).

    Raises:
        UnsupportedAudio: it holds none, or more than a packet may.
    """
    frames = 0 if not packet else (1, 2, 2, packet[1] & _COUNT if len(packet) > 1 else 0)[packet[0] & 3]
    found = frames * _frame(packet[0] >> 3) if frames else 0
    if not 0 < found <= RATE * _LONGEST_PACKET_MS // 1000:
        raise refuse("audio_malformed", "A packet of the Opus stream is malformed.")
    return found


def _frame(configuration: int) -> int:
    """Returns samples of a frame at RATE: table 2 of RFC 6716."""
    if configuration < 12:
        return (480, 960, 1920, 2880)[configuration & 3]
    return (480, 960)[configuration & 1] if configuration < 16 else (120, 240, 480, 960)[configuration & 3]


def without_padding(packet: bytes) -> bytes:
    """Returns a packet without the bytes behind its frames (RFC 6716, 3.2.5).

    Raises:
        UnsupportedAudio: there are fewer bytes than it says, or more than frames can have.
    """
    if packet[0] & 3 == 3 and packet[1] & _PADDED:
        packet = _cut(packet)
    if len(packet) >= _MOST_BYTES:
        raise refuse("audio_malformed", "A packet of the Opus stream is too long.", found=len(packet))
    return packet


def _cut(packet: bytes) -> bytes:
    at, padding = 2, 0
    while at < len(packet) and packet[at] == 255:
        padding, at = padding + 254, at + 1
    if at >= len(packet) or padding + packet[at] > len(packet) - at - 1:
        raise refuse("audio_malformed", "A packet of the Opus stream has more padding than bytes.")
    rest = packet[at + 1 : len(packet) - padding - packet[at]]
    return bytes([packet[0], packet[1] & ~_PADDED]) + rest


def _written(head: _Head, held: Sequence[tuple[int, bytes]], end: int) -> bytes:
    pages = [(0, [head.packed()]), (0, [_TAGS]), *((min(at, end), [packet]) for at, packet in held)]
    return ogg.stream(pages)


def read(stream: OpusPackets, channel: int) -> Pcm:
    """Decodes one channel, shape (n,).

    Raises:
        UnsupportedAudio: a packet is malformed inside.
    """
    from opuscodec import OpusBufferedDecoder  # type: ignore[import-not-found] # noqa: PLC0415, only Opus needs it

    try:
        found: NDArray[np.int16] = OpusBufferedDecoder().decode(stream.content)
    except (RuntimeError, ValueError) as error:
        raise refuse("audio_malformed", "The Opus stream cannot be decoded.") from error
    return found[:, channel].copy()
