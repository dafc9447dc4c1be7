import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.hostile.flac import CONSTANT, LONGEST_BLOCK, StreamHeader, frame
from bonafide.audio.decode import decode
from bonafide.audio.formats import ogg
from bonafide.audio.formats.flac import _announced
from bonafide.audio.waveform import Waveform
from bonafide.errors import InvalidInput
from tests.audio.flac_writer import FIXED, Subframe, constant, fixed, linear, stream, verbatim
from tests.audio.signals import pcm, tone
from tests.audio.test_decode import is_sound, outcome

TONE = pcm(tone(440, seconds=0.6))
SOUND = stream(TONE)
HEADER = 42
UNKNOWN = bytes(16)


def read(content: bytes, **how: Any) -> Waveform:
    return decode(content, encoding="flac", **how)


def refusal(content: bytes, **how: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read(content, **how)
    return caught.value


@pytest.mark.parametrize(
    "subframe",
    [verbatim, *[fixed(order) for order in FIXED], linear([1800, -900], 10), linear([512, 256, 128, 64], 10)],
    ids=["verbatim", *[f"fixed-{order}" for order in FIXED], "linear-2", "linear-4"],
)
def test_each_kind_of_subframe_comes_out_bit_exact(subframe: Subframe) -> None:
    assert np.array_equal(read(stream(TONE, subframe=subframe)).samples * 32768, TONE)


def test_a_constant_subframe_comes_out_bit_exact() -> None:
    flat = np.full(9000, -1234, np.int16)
    assert np.array_equal(read(stream(flat, subframe=constant)).samples * 32768, flat)


def test_a_stereo_flac_gives_the_named_channel() -> None:
    both = np.stack([TONE, TONE[::-1]], axis=1)
    assert np.array_equal(read(stream(both), channel=1).samples * 32768, TONE[::-1])
    assert refusal(stream(both)).code == "audio_channel_required"


def test_a_stream_that_does_not_know_its_length_or_digest_is_taken() -> None:
    assert np.array_equal(read(stream(TONE, frames=0, md5=UNKNOWN)).samples * 32768, TONE)


def test_fewer_bits_are_refused_by_name() -> None:
    error = refusal(stream(TONE[:100], bits=8))
    assert (error.code, error.found) == ("audio_encoding_unsupported", "FLAC, 8 bits")


@pytest.mark.parametrize("subframe", [verbatim, fixed(2)])
def test_24_bits_are_rounded_to_16_and_their_digest_is_of_24(subframe: Subframe) -> None:
    wide = TONE.astype(np.int32) << 8
    assert np.array_equal(read(stream(wide, subframe=subframe, bits=24)).samples * 32768, TONE)
    assert np.array_equal(read(stream(wide + 127, subframe=subframe, bits=24)).samples * 32768, TONE)
    assert refusal(stream(wide, bits=24, md5=b"0123456789abcdef")).code == "audio_malformed"


TAG = b"ID3\x04\x00\x00\x00\x00\x02\x00" + bytes(256)


def test_a_tag_before_and_one_behind_do_not_matter() -> None:
    for content in (TAG + SOUND, TAG + TAG + SOUND, SOUND + b"TAG" + bytes(125), TAG + SOUND + b"TAG" + bytes(125)):
        assert np.array_equal(read(content).samples * 32768, TONE)


def in_ogg(content: bytes) -> list[tuple[int, list[bytes]]]:
    """Pages of a stream whose STREAMINFO block is the only one in front of the frames."""
    first = b"\x7fFLAC\x01\x00\x00\x00" + content[:HEADER]
    body = content[HEADER:]
    return [(0, [first]), *((at, [body[at : at + 9000]]) for at in range(0, len(body), 9000))]


def test_flac_in_ogg_is_flac() -> None:
    content = ogg.stream(in_ogg(SOUND))
    assert np.array_equal(read(content).samples * 32768, TONE)
    assert np.array_equal(read(TAG + content).samples * 32768, TONE)
    assert refusal(content[:-1]).code == "audio_truncated"
    assert refusal(ogg.stream(in_ogg(SOUND)[:-1])).code == "audio_truncated"


def test_ogg_of_something_else_or_with_a_wrong_checksum_is_malformed() -> None:
    content = bytearray(ogg.stream(in_ogg(SOUND)))
    content[-100] ^= 1
    assert refusal(bytes(content)).code == "audio_malformed"
    error = refusal(ogg.stream([(0, [b"OpusHead" + bytes(20)])]))
    assert (error.code, error.found) == ("audio_malformed", "Opus in Ogg")
    two = ogg.stream(in_ogg(SOUND)[:1]) + ogg.stream(in_ogg(SOUND)).replace(b"\x01\0\0\0", b"\x02\0\0\0", 1)
    assert refusal(two).code == "audio_malformed"


@pytest.mark.parametrize("rate", [0, 7999, 48001, 2**20 - 1])
def test_a_rate_out_of_range_is_refused(rate: int) -> None:
    assert refusal(stream(TONE, rate)).code == "audio_rate_unsupported"


@pytest.mark.parametrize("length", [5, HEADER - 1, HEADER, HEADER + 3, len(SOUND) - 1, len(SOUND) - 9000])
def test_a_truncated_stream_is_refused(length: int) -> None:
    assert refusal(SOUND[:length]).code in {"audio_truncated", "audio_malformed"}


def test_a_frame_with_a_wrong_checksum_is_missed() -> None:
    broken = bytearray(SOUND)
    broken[HEADER + 5000] ^= 1
    error = refusal(bytes(broken))
    assert (error.code, error.limit) == ("audio_truncated", len(TONE))


def test_samples_that_do_not_have_the_announced_digest_are_refused() -> None:
    assert refusal(stream(TONE, md5=b"0123456789abcdef")).code == "audio_malformed"


@pytest.mark.parametrize("frames", [1, len(TONE) - 1, len(TONE) + 1, 60 * 16000 + 1, 2**36 - 1])
def test_a_header_that_lies_about_the_length_is_refused(frames: int) -> None:
    codes = {"audio_truncated", "audio_malformed", "audio_too_short", "audio_too_long"}
    assert refusal(stream(TONE, frames=frames)).code in codes


def test_a_header_that_lies_about_the_channels_is_refused() -> None:
    stereo = stream(np.stack([TONE, TONE], axis=1), channels=1)
    assert refusal(stereo, channel=0).code in {"audio_truncated", "audio_malformed"}
    assert refusal(stream(TONE, channels=8), channel=7).code in {"audio_truncated", "audio_malformed"}


@pytest.mark.parametrize("frames", [0, 65535 * 100])
def test_a_few_bytes_that_hold_hours_of_silence_are_stopped_after_a_minute(frames: int) -> None:
    silence = np.zeros((65535 * 100, 2), np.int16)
    bomb = stream(silence, 8000, constant, block=65535, frames=frames, md5=UNKNOWN)
    assert len(bomb) < 3000
    tracemalloc.start()
    error = refusal(bomb, channel=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error.code == "audio_too_long"
    assert peak < 8_000_000


@pytest.mark.parametrize(
    "content",
    [
        b"OggS" + SOUND,
        b"ID3\3" + SOUND,
        SOUND[:4] + b"\x84" + SOUND[5:],
        SOUND[:7] + b"\x21" + SOUND[8:],
        SOUND[:HEADER] + b"\xff\xf8" * 20_000,
        b"fLaC" + bytes(1000),
    ],
)
def test_what_is_no_flac_is_refused(content: bytes) -> None:
    assert refusal(content).code in {"audio_malformed", "audio_truncated", "audio_rate_unsupported"}


def test_a_wav_that_is_called_flac_is_malformed() -> None:
    assert refusal(b"RIFF" + bytes(100)).found == "WAV"


FUZZ = """
import random, sys
from bonafide.audio.decode import decode
from bonafide.errors import InvalidInput
sound = open(sys.argv[1], "rb").read()
draw = random.Random(1)
for _ in range(1500):
    content = bytearray(sound)
    for _ in range(draw.choice([1, 3, 30])):
        content[draw.randrange(18, len(content))] = draw.randrange(256)
    if draw.random() < 0.7:
        content[26:42] = bytes(16)
    try:
        decode(bytes(content[: draw.choice([len(content), draw.randrange(len(content))])]), encoding="flac", channel=0)
    except InvalidInput:
        pass
"""


def test_damaged_streams_never_bring_the_process_down(tmp_path: Path) -> None:
    file = tmp_path / "sound.flac"
    file.write_bytes(stream(TONE, subframe=fixed(2), block=576))
    subprocess.run([sys.executable, "-c", FUZZ, str(file)], check=True, timeout=120)


def test_frames_that_are_decoded_only_to_be_thrown_away_are_refused_before_that() -> None:
    """A frame of 34 bytes is half a million samples, and a wrong checksum is found only after they were decoded."""
    thrown_away = frame(LONGEST_BLOCK, [CONSTANT + bytes(2)] * 8, broken=True)
    kept = frame(16000, [CONSTANT + bytes(2)] * 8)
    content = StreamHeader(16000, 8).packed() + thrown_away * 2000 + kept
    assert len(content) < 100_000
    assert refusal(content, channel=0).code == "audio_too_long"
    assert len(read(StreamHeader(16000, 8).packed() + thrown_away * 9 + kept, channel=0).samples) == 16000


def test_what_looks_like_a_frame_by_chance_does_not_count_as_one() -> None:
    noise = np.random.default_rng(0).bytes(4_000_000)
    assert 0.03 < _announced(noise) / len(noise) < 0.12
    frames = StreamHeader().packed() + b"".join(
        frame(size, [CONSTANT + bytes(2)]) for size in (1, 16, 256, 40000, 65535)
    )
    assert _announced(frames) == 1 + 16 + 256 + 40000 + 65535


@given(st.lists(st.tuples(st.integers(0, HEADER + 40), st.integers(0, 255)), min_size=1, max_size=6))
def test_any_damage_to_a_flac_header_is_survived(damage: list[tuple[int, int]]) -> None:
    content = bytearray(SOUND)
    for at, value in damage:
        content[at] = value
    assert is_sound(outcome(bytes(content), encoding="flac", channel=0))
