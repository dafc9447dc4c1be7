"""Writes WAV files, sound and unsound ones."""

import struct

import numpy as np
from numpy.typing import NDArray

GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """One RIFF chunk; `size` lies about its length."""
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def layout(tag: int = 1, channels: int = 1, rate: int = 16000, bits: int = 16, align: int | None = None) -> bytes:
    """Body of a `fmt ` chunk."""
    frame = channels * bits // 8 % 65536 if align is None else align
    return struct.pack("<HHIIHH", tag, channels, rate, rate * frame % 2**32, frame, bits)


def extensible(tag: int = 1, channels: int = 1, rate: int = 16000, bits: int = 16, tail: bytes = GUID_TAIL) -> bytes:
    """Body of a `fmt ` chunk in the WAVE_FORMAT_EXTENSIBLE form."""
    return layout(0xFFFE, channels, rate, bits) + struct.pack("<HHIH", 22, bits, 0, tag) + tail


def riff(*chunks: bytes, form: bytes = b"WAVE", magic: bytes = b"RIFF") -> bytes:
    """A whole file."""
    body = form + b"".join(chunks)
    return magic + struct.pack("<I", len(body)) + body


def wav(pcm: NDArray[np.int16], rate: int = 16000) -> bytes:
    """A plain PCM-16 file of shape (n,) or (n, channels)."""
    channels = 1 if pcm.ndim == 1 else pcm.shape[1]
    return riff(chunk(b"fmt ", layout(1, channels, rate)), chunk(b"data", pcm.astype("<i2").tobytes()))
