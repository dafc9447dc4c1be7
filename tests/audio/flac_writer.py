"""Writes FLAC streams, sound and unsound ones, so that no recording has to be kept to test the reader (RFC 9639)."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

type Pcm = NDArray[np.int16] | NDArray[np.int32]

FIXED = {0: [], 1: [1], 2: [2, -1], 3: [3, -3, 1], 4: [4, -6, 4, -1]}


@dataclass
class Bits:
    parts: list[str] = field(default_factory=list)

    def put(self, value: int, width: int) -> None:
        if width:
            self.parts.append(format(value & (1 << width) - 1, f"0{width}b"))

    def bytes(self) -> bytes:
        text = "".join(self.parts)
        text += "0" * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8) if text else b""


def crc(data: bytes, polynomial: int, width: int) -> int:
    value = 0
    for byte in data:
        value ^= byte << (width - 8)
        for _ in range(8):
            value = (value << 1) ^ (polynomial if value >> (width - 1) else 0)
            value &= (1 << width) - 1
    return value


type Subframe = Callable[[Bits, Pcm, int], None]


def constant(out: Bits, block: Pcm, bits: int) -> None:
    out.put(0b00000000, 8)
    out.put(int(block[0]), bits)


def verbatim(out: Bits, block: Pcm, bits: int) -> None:
    out.put(0b00000010, 8)
    for value in block:
        out.put(int(value), bits)


def fixed(order: int) -> Subframe:
    def write(out: Bits, block: Pcm, bits: int) -> None:
        out.put((8 | order) << 1, 8)
        for value in block[:order]:
            out.put(int(value), bits)
        _rice(out, _residual(block, FIXED[order], 0))

    return write


def linear(coefficients: Sequence[int], shift: int, precision: int = 12) -> Subframe:
    def write(out: Bits, block: Pcm, bits: int) -> None:
        order = len(coefficients)
        out.put((32 | order - 1) << 1, 8)
        for value in block[:order]:
            out.put(int(value), bits)
        out.put(precision - 1, 4)
        out.put(shift, 5)
        for coefficient in coefficients:
            out.put(coefficient, precision)
        _rice(out, _residual(block, coefficients, shift))

    return write


def _residual(block: Pcm, coefficients: Sequence[int], shift: int) -> NDArray[np.int64]:
    x, order = block.astype(np.int64), len(coefficients)
    predicted = sum(
        (c * x[order - 1 - k : len(x) - 1 - k] for k, c in enumerate(coefficients)), np.zeros(len(x) - order, np.int64)
    )
    return x[order:] - (predicted >> shift)


def _rice(out: Bits, residual: NDArray[np.int64], parameter: int = 10) -> None:
    out.put(0, 2)
    out.put(0, 4)
    out.put(parameter, 4)
    for folded in np.where(residual < 0, -2 * residual - 1, 2 * residual).tolist():
        out.parts.append("0" * (folded >> parameter) + "1")
        out.put(folded, parameter)


def frame(number: int, channels: Pcm, subframe: Subframe, bits: int = 16) -> bytes:
    """One frame of independent channels, shape (samples, channels)."""
    out = Bits()
    out.put(0b1111111111111000, 16)
    out.put(0b0111_0000, 8)  # block size in 16 bits at the end of the header, rate from STREAMINFO
    out.put(channels.shape[1] - 1, 4)
    out.put({8: 1, 16: 4, 24: 6}[bits], 3)
    out.put(0, 1)
    assert number < 128
    out.put(number, 8)
    out.put(len(channels) - 1, 16)
    out.put(crc(out.bytes(), 0x07, 8), 8)
    for channel in channels.T:
        subframe(out, channel, bits)
    data = out.bytes()
    return data + crc(data, 0x8005, 16).to_bytes(2)


def stream(
    pcm: Pcm,
    rate: int = 16000,
    subframe: Subframe = verbatim,
    *,
    bits: int = 16,
    block: int = 4096,
    frames: int | None = None,
    channels: int | None = None,
    md5: bytes | None = None,
) -> bytes:
    """A FLAC file of shape (n,) or (n, channels); the last three arguments make its header lie."""
    table = pcm.reshape(len(pcm), -1)
    starts = range(0, len(table), block)
    body = [frame(i, table[at : at + block], subframe, bits) for i, at in enumerate(starts)]
    stored = table.astype("<i4").reshape(-1, 1).view(np.uint8)[:, : -(-bits // 8)].tobytes()
    digest = hashlib.md5(stored, usedforsecurity=False).digest() if md5 is None else md5
    info = Bits()
    for value, width in ((block, 16), (block, 16), (0, 24), (0, 24), (rate, 20)):
        info.put(value, width)
    info.put((channels or table.shape[1]) - 1, 3)
    info.put(bits - 1, 5)
    info.put(len(table) if frames is None else frames, 36)
    return b"fLaC\x80\x00\x00\x22" + info.bytes() + digest + b"".join(body)
