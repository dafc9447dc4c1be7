"""WAV files as programs write them."""

import struct

import numpy as np
import pytest

from bonafide.audio.decode import decode
from bonafide.audio.formats.linear import rounded
from tests.audio.signals import pcm, tone
from tests.audio.test_decode import code, refusal
from tests.audio.wav_writer import chunk, extensible, layout, riff, wav

TONE = pcm(tone(440))
DATA = chunk(b"data", TONE.tobytes())
FORMAT = chunk(b"fmt ", layout())
PLAIN = decode(wav(TONE)).samples

WIDE = {
    (1, 24): (TONE.astype("<i4") << 8).view(np.uint8).reshape(-1, 4)[:, :3].tobytes(),
    (1, 32): (TONE.astype("<i4") << 16).tobytes(),
    (3, 32): (TONE / np.float32(32768)).astype("<f4").tobytes(),
    (3, 64): (TONE / 32768).astype("<f8").tobytes(),
}


def of(kind: tuple[int, int], body: bytes, channels: int = 1) -> bytes:
    tag, bits = kind
    return riff(chunk(b"fmt ", layout(tag, channels, bits=bits)), chunk(b"data", body))


@pytest.mark.parametrize("kind", WIDE)
def test_wider_samples_are_those_of_16_bits_that_they_were_made_of(kind: tuple[int, int]) -> None:
    body, (tag, bits) = WIDE[kind], kind
    assert np.array_equal(decode(of(kind, body)).samples, PLAIN)
    content = riff(chunk(b"fmt ", extensible(tag, bits=bits)), chunk(b"data", body))
    assert np.array_equal(decode(content).samples, PLAIN)


@pytest.mark.parametrize("kind", WIDE)
def test_one_of_several_channels_is_taken_whatever_its_width(kind: tuple[int, int]) -> None:
    width = kind[1] // 8
    frames = np.frombuffer(WIDE[kind], np.uint8).reshape(-1, 1, width)
    both = np.concatenate([np.zeros_like(frames), frames], axis=1).tobytes()
    assert np.array_equal(decode(of(kind, both, 2), channel=1).samples, PLAIN)
    assert not decode(of(kind, both, 2), channel=0).samples.any()


def test_what_does_not_fit_into_16_bits_is_rounded_to_the_nearest() -> None:
    left = np.array([0, 0x7FFF, 0x8000, -0x8000, -0x8001, 2**31 - 1, -(2**31)], np.int32)
    assert rounded(left).tolist() == [0, 0, 1, 0, -1, 32767, -32768]


def test_floats_beyond_full_scale_are_clipped_and_those_that_are_no_numbers_refused() -> None:
    loud = np.tile([2.0, -2.0, 1.0, -1.0], 4000)
    assert set(decode(of((3, 64), loud.astype("<f8").tobytes())).samples * 32768) == {32767, -32768}
    for value in (np.nan, np.inf):
        assert code(of((3, 32), np.append(loud, value).astype("<f4").tobytes())) == "audio_malformed"


@pytest.mark.parametrize("size", [0, 2_000_000_000, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFF00, 0xFFFFFFFF])
def test_a_size_that_the_writer_did_not_know_is_all_that_follows(size: int) -> None:
    for rest in (b"", TONE.tobytes()[:1]):
        content = riff(FORMAT, b"data" + struct.pack("<I", size) + TONE.tobytes() + rest)
        assert np.array_equal(decode(content).samples, PLAIN)


@pytest.mark.parametrize("size", [32_001, 64_000, 10**6, 1_999_999_999])
def test_a_size_that_a_recording_may_have_is_believed(size: int) -> None:
    error = refusal(riff(FORMAT, chunk(b"data", TONE.tobytes(), size)))
    assert (error.code, error.found, error.limit) == ("audio_truncated", size, 32_000)


def test_an_empty_data_chunk_in_front_of_another_chunk_is_empty() -> None:
    assert code(riff(FORMAT, chunk(b"data", b""), chunk(b"LIST", b"INFO" * 5000))) == "audio_too_short"


def wide(size: int, data: bytes = DATA[8:]) -> bytes:
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, size, 0, 0))
    return ds64 + FORMAT + b"data\xff\xff\xff\xff" + data


@pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
def test_the_64_bit_form_says_its_size_in_front(magic: bytes) -> None:
    for size, rest in ((32_000, b"LIST\4\0\0\0INFO"), (0, b""), (2**64 - 1, b"")):
        assert np.array_equal(decode(riff(wide(size) + rest, magic=magic)).samples, PLAIN)
    assert code(riff(wide(2**33), magic=magic)) == "audio_truncated"
    assert np.array_equal(decode(riff(FORMAT, DATA, magic=magic)).samples, PLAIN)


def test_big_endian_wav_is_wav() -> None:
    body = struct.pack(">HHIIHH", 1, 1, 16000, 32000, 2, 16)
    parts = [(b"odd!", b"abc\0"), (b"fmt ", body), (b"data", TONE.astype(">i2").tobytes())]
    content = b"RIFX\0\0\0\0WAVE" + b"".join(
        name + struct.pack(">I", 3 if name == b"odd!" else len(each)) + each for name, each in parts
    )
    assert np.array_equal(decode(content).samples, PLAIN)


@pytest.mark.parametrize("behind", [b"", chunk(b"LIST", b"INFO")])
def test_a_second_data_chunk_is_refused_by_name(behind: bytes) -> None:
    half = chunk(b"data", TONE.tobytes()[:16_000])
    for second in (half, half[:1000], b"data\0\0\0\0"):
        error = refusal(riff(FORMAT, half, behind, second))
        assert (error.code, error.found) == ("audio_malformed", "two data chunks")


@pytest.mark.parametrize(
    "content",
    [
        riff(FORMAT, chunk(b"data", TONE.tobytes() + b"x")),
        riff(FORMAT, b"axml\x03\0\0\0xyz", DATA),
        riff(FORMAT, b"axml\x03\0\0\0xyz\0", DATA),
        riff(FORMAT, DATA, chunk(b"LIST", b"INFO", 5000)),
        riff(chunk(b"fmt ", layout(align=0)), DATA),
        riff(*[chunk(b"junk", b"12")] * 500, FORMAT, DATA),
        riff(chunk(b"fmt ", layout() + bytes(10)), chunk(b"LIST", bytes(4096)), DATA),
    ],
    ids=["stray byte", "no padding", "padding", "tail cut off", "no block size", "many chunks", "long format"],
)
def test_a_careless_writer_changes_no_sample(content: bytes) -> None:
    assert np.array_equal(decode(content).samples, PLAIN)
