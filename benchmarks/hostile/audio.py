"""Recordings that are damaged, lie about themselves or ask for far more than they hold; a seed makes the same ones."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.hostile import flac
from benchmarks.hostile.flac import StreamHeader
from bonafide.audio.waveform import Samples

RATE = 16000
NUMBERS_16 = (0, 1, 2, 3, 8, 255, 256, 32767, 32768, 65534, 65535)
NUMBERS_32 = (0, 1, 3, 7999, 8000, 11025, 44100, 47999, 48000, 48001, 2**31 - 1, 2**31, 2**32 - 8, 2**32 - 1)
RATES = (8000, 8001, 11025, 15999, 16000, 22050, 44099, 44100, 47999, 48000)
MAGICS = (
    b"OggS",
    b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f",
    b"RIFX",
    b"RF64",
    b"\xff\xfb\x90\x64",
    b"PK\x03\x04",
    b"\x1f\x8b\x08",
)
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
ENCODINGS = ("wav", "flac", "pcm_s16le", "alaw", "mulaw")
MOST_BYTES = 3_700_000  # of a recording inside a request


@dataclass(frozen=True, slots=True)
class OddAudio:
    """A recording and the format that is stated of it."""

    name: str
    content: bytes
    form: dict[str, Any]


def odd_audio(random: Random, speech: Samples) -> Iterator[OddAudio]:
    """Yields recordings without end, made of pieces of speech of 16 kHz, shape (n,)."""
    kinds: dict[Callable[[Random, Samples], OddAudio], int] = {
        _wav_header: 5,
        _wav_chunks: 4,
        _flac_header: 5,
        _flac_frames: 3,
        _flac_metadata: 2,
        _damaged: 7,
        _raw: 2,
        _mislabeled: 2,
        _large: 1,
    }
    while True:
        (kind,) = random.choices(list(kinds), list(kinds.values()))
        yield kind(random, speech)


def _piece(random: Random, speech: Samples, longest: float = 1.5) -> NDArray[np.int16]:
    """Returns some of the speech, shape (n,)."""
    length = int(random.uniform(0.3, longest) * RATE)
    start = random.randrange(max(1, len(speech) - length))
    return np.asarray(np.clip(speech[start : start + length], -1, 1) * 32767, np.int16)


def _wav(samples: NDArray[np.int16]) -> bytes:
    return _riff(_chunk(b"fmt ", _layout()), _chunk(b"data", samples.tobytes()))


def _chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def _riff(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def _layout(tag: int = 1, channels: int = 1, rate: int = RATE, align: int = 2, bits: int = 16) -> bytes:
    return struct.pack("<HHIIHH", tag, channels, rate, rate * align % 2**32, align, bits)


def _wav_header(random: Random, speech: Samples) -> OddAudio:
    """A header with one or two lies."""
    fields = {"tag": 1, "channels": 1, "rate": RATE, "align": 2, "bits": 16}
    lies = random.sample([*fields, "data", "file", "extensible"], random.randint(1, 2))
    for name in fields.keys() & set(lies):
        fields[name] = random.choice(NUMBERS_32 if name == "rate" else (*NUMBERS_16, 6, 7, 0xFFFE))
    layout, data = _layout(**fields), _piece(random, speech).tobytes()
    if "extensible" in lies:
        layout += struct.pack("<HHIH", random.choice(NUMBERS_16), 16, 0, random.choice(NUMBERS_16)) + GUID_TAIL
    size = random.choice(NUMBERS_32) if "data" in lies else None
    whole = random.choice(NUMBERS_32) if "file" in lies else None
    return OddAudio("wav header", _riff(_chunk(b"fmt ", layout), _chunk(b"data", data, size), size=whole), {})


def _wav_chunks(random: Random, speech: Samples) -> OddAudio:
    """Chunks in any order and number, some longer than the file."""
    data = _piece(random, speech, 0.8).tobytes()
    parts = [_chunk(b"fmt ", _layout()), _chunk(b"data", data)]
    junk = [b"junk", b"LIST", b"fact", b"bext", b"\0\0\0\0", b"data", b"fmt "]
    for _ in range(random.choice((1, 2, 3, 60, 70, 5000))):
        size = random.choice((None, None, None, 0, *NUMBERS_32))
        parts.insert(random.randrange(len(parts) + 1), _chunk(random.choice(junk), random.randbytes(3), size))
    random.shuffle(parts)
    return OddAudio("wav chunks", _riff(*parts), {})


def _flac_header(random: Random, speech: Samples) -> OddAudio:
    """A STREAMINFO block that lies about what follows."""
    piece = _piece(random, speech)
    sound = flac.spoken(piece, RATE)
    lie = StreamHeader(
        rate=random.choice((RATE, *RATES, *NUMBERS_32)),
        channels=random.choice((1, 1, 2, 8)),
        bits=random.choice((16, 16, 1, 4, 24, 32)),
        samples=random.choice((0, len(piece), len(piece) + 1, 2**36 - 1)),
        block=random.choice((4096, 0, 15, 16, flac.LONGEST_BLOCK)),
        md5=random.choice((bytes(16), random.randbytes(16))),
    )
    return OddAudio("flac header", lie.packed() + sound[42:], {"encoding": "flac", **_some_channel(random)})


def _flac_frames(random: Random, _: Samples) -> OddAudio:
    """A few bytes that are very much audio, and frames that are decoded only to be thrown away."""
    size = random.choice((1, 16, 192, 4096, 40000, flac.LONGEST_BLOCK))
    channels = random.choice((1, 1, 2, 8))
    kind = random.choice((flac.CONSTANT + b"\x10\x00", flac.NOTHING if channels == 1 else flac.CONSTANT + b"\0\0"))
    count = int(10 ** random.uniform(0, 5))
    one = flac.frame(size, [kind] * channels, broken=random.random() < 0.5)
    header = StreamHeader(random.choice(RATES), channels, samples=random.choice((0, size * count)))
    content = (header.packed() + one * count)[:MOST_BYTES]
    return OddAudio("flac frames", content, {"encoding": "flac", **_some_channel(random)})


def _flac_metadata(random: Random, speech: Samples) -> OddAudio:
    """Metadata blocks of any kind and length before the sound."""
    sound = flac.spoken(_piece(random, speech, 0.8), RATE)
    blocks = []
    for _ in range(random.choice((1, 2, 2000))):
        body = random.randbytes(random.choice((0, 18, 34)))
        length = random.choice((len(body), len(body), 0, 2**24 - 1))
        blocks.append(bytes([random.randrange(127)]) + length.to_bytes(3) + body)
    content = sound[:4] + b"\x00" + sound[5:42] + b"".join(blocks) + b"\x81\x00\x00\x00" + sound[42:]
    return OddAudio("flac metadata", content, {"encoding": "flac"})


def _damaged(random: Random, speech: Samples) -> OddAudio:
    """A sound file that is cut, or of which bits, bytes or pieces are changed."""
    piece = _piece(random, speech)
    encoding = random.choice(("wav", "flac"))
    sound = flac.spoken(piece, RATE) if encoding == "flac" else _wav(piece)
    content = bytearray(sound)
    reach = random.choice((48, len(content)))
    for _ in range(random.choice((0, 1, 2, 8, 100))):
        content[random.randrange(reach)] ^= 1 << random.randrange(8)
    if random.random() < 0.4:
        content = content[: random.randrange(len(content))]
    if random.random() < 0.2:
        at = random.randrange(len(content) + 1)
        content[at:at] = random.randbytes(random.randrange(1, 9))
    return OddAudio(f"damaged {encoding}", bytes(content), {"encoding": encoding})


def _raw(random: Random, _: Samples) -> OddAudio:
    """Bare samples of any length, of noise, silence or one value."""
    length = random.choice((1, 2, 3999, 8000, 16001, 40000))
    content = random.choice(
        (random.randbytes(length), bytes(length), b"\xff" * length, b"\xff\x7f\x00\x80" * (length // 4))
    )
    rate = random.choice((*RATES, 7999, 48001))
    return OddAudio("raw", content, {"encoding": random.choice(ENCODINGS[2:]), "sample_rate": rate})


def _mislabeled(random: Random, speech: Samples) -> OddAudio:
    """Another container, or a file as what it is not."""
    piece = _piece(random, speech, 0.8)
    sound = random.choice((flac.spoken(piece, RATE), _wav(piece)))
    content = random.choice((sound, random.choice(MAGICS) + sound, random.choice(MAGICS) + sound[12:]))
    rate = {"sample_rate": random.choice(RATES)} if random.random() < 0.7 else {}
    return OddAudio("mislabeled", content, {"encoding": random.choice(ENCODINGS), **rate})


def _large(random: Random, _: Samples) -> OddAudio:
    """The longest that is taken, at rates that are no multiple of one another, and somewhat more."""
    rate, channels = random.choice(RATES), random.choice((1, 2, 8))
    seconds = random.choice((59, 60, 61, 600))
    kind, size = flac.CONSTANT + random.randbytes(2), 4096
    count = rate * seconds // size
    content = StreamHeader(rate, channels).packed() + flac.frame(size, [kind] * channels) * count
    return OddAudio("large", content[:MOST_BYTES], {"encoding": "flac", "channel": 0})


def _some_channel(random: Random) -> dict[str, int]:
    return random.choice(({}, {"channel": 0}, {"channel": 7}))
