"""MP3: a second of a tone of 440 Hz, as lame 3.100 wrote it, bare (`-b 16 -t`) and with tags (`-V 9 --add-id3v2`)."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.audio.decode import decode
from bonafide.audio.formats import kinds, mpeg
from bonafide.audio.waveform import Waveform
from bonafide.errors import InvalidInput
from tests.audio.signals import tone
from tests.audio.test_decode import is_sound, outcome

FOLDER = Path(__file__).parent
BARE, TAGGED = ((FOLDER / f"{name}.mp3").read_bytes() for name in ("bare", "tagged"))
WITHOUT_ID3 = kinds.without_tags(TAGGED)
LENGTH = next(frame for _, frame in mpeg.frames(BARE, 0)).length


def read(content: bytes, **how: int) -> Waveform:
    return decode(content, encoding="mp3", **how)


def refusal(content: bytes, **how: int) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read(content, **how)
    return caught.value


def share_of_the_tone(samples: np.ndarray) -> float:
    """Share of the power that is at 440 Hz."""
    spectrum = np.abs(np.fft.rfft(samples[2000:14_000] * np.hanning(12_000))) ** 2
    return float(spectrum[325:336].sum() / spectrum.sum())


def test_a_tone_comes_out_as_it_went_in() -> None:
    for content in (TAGGED, WITHOUT_ID3):
        waveform = read(content)
        assert (waveform.rate, len(waveform.samples)) == (16000, 16000)
        expected = tone(440)
        assert np.abs(waveform.samples - expected)[1000:-1000].max() < 0.05 * np.abs(expected).max()


def test_a_stream_without_header_or_from_the_middle_of_a_frame_is_taken() -> None:
    for content in (BARE, BARE[10:], bytes(3) + BARE, BARE[:-5], BARE + b"TAG" + bytes(125), BARE + bytes(4000)):
        waveform = read(content)
        assert 0.9 < waveform.seconds < 1.2
        assert share_of_the_tone(waveform.samples) > 0.99


def test_a_file_that_counts_its_frames_has_them() -> None:
    assert refusal(WITHOUT_ID3[: len(WITHOUT_ID3) * 2 // 3]).code == "audio_truncated"


def test_another_rate_or_number_of_channels_in_the_middle_is_refused() -> None:
    faster = bytearray(BARE * 2)
    for at, _ in mpeg.frames(BARE, 0):
        faster[len(BARE) + at + 2] ^= 0b100
    assert refusal(bytes(faster)).code == "audio_malformed"
    assert refusal(BARE[: 10 * LENGTH] + b"\1" * 50 + BARE).code == "audio_malformed"


def test_what_is_too_long_is_refused_before_it_is_decoded() -> None:
    error = refusal(BARE * 60)
    assert error.code == "audio_too_long"
    assert refusal(BARE[: 3 * LENGTH]).code == "audio_too_short"
    assert refusal(BARE, rate=8000).code == "audio_rate_mismatch"
    assert refusal(BARE, channel=1).code == "audio_channel_out_of_range"


@given(
    st.sampled_from([BARE, TAGGED]),
    st.lists(st.tuples(st.integers(0, len(BARE)), st.integers(0, 255)), max_size=20),
    st.integers(0, len(TAGGED)),
)
def test_any_damage_is_survived(content: bytes, damage: list[tuple[int, int]], length: int) -> None:
    damaged = bytearray(content)
    for at, value in damage:
        damaged[at : at + 1] = bytes([value])
    assert is_sound(outcome(bytes(damaged[:length]), encoding="mp3", channel=0))


FUZZ = """
import random, sys
from bonafide.audio.decode import decode
from bonafide.audio.formats import mpeg
from bonafide.errors import InvalidInput
sound = open(sys.argv[1], "rb").read()
heads = {at + each for at, _ in mpeg.frames(sound, 0) for each in range(4)}
inside = [at for at in range(len(sound)) if at not in heads]
draw = random.Random(1)
for _ in range(400):
    content = bytearray(sound)
    for at in draw.sample(inside, draw.choice([1, 10, 500])):
        content[at] = draw.randrange(256)
    try:
        decode(bytes(content), encoding="mp3")
    except InvalidInput:
        pass
"""


def test_damaged_frames_never_bring_the_process_down() -> None:
    subprocess.run([sys.executable, "-c", FUZZ, str(FOLDER / "bare.mp3")], check=True, timeout=120)
