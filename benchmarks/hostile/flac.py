"""FLAC streams that announce anything (RFC 9639), put together from bytes: each part of a frame is whole bytes here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

VERBATIM, CONSTANT = b"\x02", b"\x00"
# A fixed predictor of order 0 whose residual is coded with no bit at all: any number of samples in three bytes.
NOTHING = b"\x10\x03\xc0"
LONGEST_BLOCK = 65535


def _table(polynomial: int, width: int) -> list[int]:
    """Returns the remainders of all bytes."""
    remainders = []
    for byte in range(256):
        value = byte << (width - 8)
        for _ in range(8):
            value = (value << 1) ^ (polynomial if value >> (width - 1) else 0)
            value &= (1 << width) - 1
        remainders.append(value)
    return remainders


_CRC8, _CRC16 = _table(0x07, 8), _table(0x8005, 16)


def crc8(data: bytes) -> int:
    """Returns the checksum of a frame's header."""
    value = 0
    for byte in data:
        value = _CRC8[value ^ byte]
    return value


def crc16(data: bytes) -> int:
    """Returns the checksum of a frame."""
    value = 0
    for byte in data:
        value = (value << 8 & 0xFFFF) ^ _CRC16[value >> 8 ^ byte]
    return value


@dataclass(frozen=True, slots=True)
class StreamHeader:
    """A STREAMINFO block, true or not."""

    rate: int = 16000
    channels: int = 1
    bits: int = 16
    samples: int = 0
    block: int = LONGEST_BLOCK
    md5: bytes = bytes(16)

    def packed(self) -> bytes:
        """Returns the marker and the block, the last of the metadata."""
        sizes = self.block.to_bytes(2) * 2 + bytes(6)
        fields = self.rate % (1 << 20) << 44 | (self.channels - 1) % 8 << 41 | (self.bits - 1) % 32 << 36
        return b"fLaC\x80\x00\x00\x22" + sizes + (fields | self.samples % (1 << 36)).to_bytes(8) + self.md5


def frame(size: int, subframes: Sequence[bytes], *, broken: bool = False) -> bytes:
    """Returns one frame of 16 bits; a broken one has a wrong checksum, which is found only after it was decoded."""
    head = b"\xff\xf8\x70" + bytes([len(subframes) - 1 << 4 | 4 << 1, 0]) + (size - 1).to_bytes(2)
    data = head + bytes([crc8(head)]) + b"".join(subframes)
    return data + (crc16(data) ^ broken).to_bytes(2)


def spoken(samples: NDArray[Any], rate: int, block: int = 4096) -> bytes:
    """Returns a sound stream of 16-bit samples, shape (n,), verbatim."""
    blocks = [samples[at : at + block].astype(">i2") for at in range(0, len(samples), block)]
    frames = [frame(len(each), [VERBATIM + each.tobytes()]) for each in blocks]
    return StreamHeader(rate, samples=len(samples), block=block).packed() + b"".join(frames)
