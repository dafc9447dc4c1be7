"""Frames of MPEG audio (ISO/IEC 11172-3 and 13818-3): what they are by their headers, and whether they follow."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

HEADER_BYTES = 4
# The first 11 bits of a frame, which samples have by chance, too.
SYNC = 0xFFE0
# So many frames that follow each other are no chance: each has to fit the one before it in about 20 bits.
_SURE = 4
# kbit/s of layer 3 by the code in the header, of MPEG-1 and of the lower rates of MPEG-2.
_RATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_RATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
# Layer 2, which is named but not taken.
_RATES_1_LAYER_2 = (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
_SAMPLING = (44100, 48000, 32000)
_DIVISORS = {3: 1, 2: 2, 0: 4}  # MPEG-1, MPEG-2, MPEG-2.5
LAYER_3, _LAYER_2, _ADTS = 1, 2, 0
_NAMES = {LAYER_3: "MP3", _LAYER_2: "MPEG audio layer 2", _ADTS: "AAC"}


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame's header.

    Attributes:
        layer: code of the layer; 0 stands for AAC in ADTS, which has the same beginning.
        version: code of the version.
        rate: Hz.
        channels: 1 or 2; of AAC 0.
        length: of the frame, bytes.
        samples: of each channel.
    """

    layer: int
    version: int
    rate: int
    channels: int
    length: int
    samples: int

    @property
    def kind(self) -> tuple[int, int, int, int]:
        """Properties that every frame of a stream has in common."""
        return self.layer, self.version, self.rate, self.channels

    @property
    def side_bytes(self) -> int:
        """Bytes of the side information behind the header of a frame of layer 3."""
        return {(True, 2): 32, (True, 1): 17, (False, 2): 17, (False, 1): 9}[self.version == 3, self.channels]

    @classmethod
    def at(cls, content: bytes, at: int) -> "Frame | None":
        """Reads the header that begins there, if it is one."""
        head = content[at : at + HEADER_BYTES]
        if len(head) < HEADER_BYTES or int.from_bytes(head[:2]) & SYNC != SYNC:
            return None
        if head[1] & 0xF6 == 0xF0:
            return cls._of_aac(content[at : at + 7])
        version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
        if layer not in {_LAYER_2, LAYER_3} or version not in _DIVISORS or head[2] >> 2 & 3 == 3:
            return None
        return cls._of_layer(version, layer, head)

    @classmethod
    def _of_layer(cls, version: int, layer: int, head: bytes) -> "Frame | None":
        table = _RATES_2 if version != 3 else _RATES_1 if layer == LAYER_3 else _RATES_1_LAYER_2
        code = head[2] >> 4
        if code in {0, 15}:
            return None
        rate = _SAMPLING[head[2] >> 2 & 3] // _DIVISORS[version]
        samples = 576 if layer == LAYER_3 and version != 3 else 1152
        length = samples // 8 * table[code] * 1000 // rate + (head[2] >> 1 & 1)
        return cls(layer, version, rate, 1 if head[3] >> 6 == 3 else 2, length, samples)

    @classmethod
    def _of_aac(cls, head: bytes) -> "Frame | None":
        length = (int.from_bytes(head[3:6]) >> 5) & 0x1FFF
        if len(head) < 7 or length < 7 or head[2] >> 2 & 15 > 12:
            return None
        return cls(_ADTS, 0, head[2] >> 2 & 15, 0, length, 1024)


def frames(content: bytes, at: int) -> Iterator[tuple[int, Frame]]:
    """Yields the frames that follow each other without a gap and are of one kind, and where each begins."""
    kind = None
    while (frame := Frame.at(content, at)) and kind in {None, frame.kind}:
        kind = frame.kind
        yield at, frame
        at += frame.length


def name(content: bytes) -> str | None:
    """Names the codec if frames follow each other from the beginning; None if it may be chance."""
    found = next(islice(frames(content, 0), _SURE - 1, None), None)
    return _NAMES[found[1].layer] if found else None


def may_begin(content: bytes) -> bool:
    """Tells whether a frame may begin a recording, which happens by chance, too."""
    return len(content) > 1 and int.from_bytes(content[:2]) & SYNC == SYNC
