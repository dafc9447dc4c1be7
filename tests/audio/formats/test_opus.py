"""Opus in Ogg, as opusenc writes it, and in WebM, as browsers write it."""

import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opuscodec import OpusBufferedEncoder  # type: ignore[import-not-found]

from bonafide.audio.decode import decode
from bonafide.audio.formats import ogg, opus
from bonafide.audio.g711 import Pcm
from bonafide.audio.waveform import Waveform
from bonafide.errors import InvalidInput
from tests.audio.signals import pcm, tone
from tests.audio.test_decode import is_sound, outcome


@cache
def encoded(rate: int = 16000, seconds: float = 1.0, channels: int = 1) -> bytes:
    quiet, loud = pcm(tone(440, rate, seconds, 0.1)), pcm(tone(440, rate, seconds))
    sound: Pcm = np.stack([quiet, loud], axis=1) if channels == 2 else loud[:, None]
    encoder = OpusBufferedEncoder(sample_rate=rate, channels=channels)
    return bytes(encoder.write(sound) + encoder.flush())


def packets(content: bytes) -> list[bytes]:
    return list(ogg.packets(content))


def element(name: str, body: bytes, unknown: bool = False) -> bytes:
    size = b"\x01" + b"\xff" * 7 if unknown else b"\x08" + len(body).to_bytes(4)
    return bytes.fromhex(name) + size + body


def in_webm(held: Sequence[bytes], codec: bytes = b"A_OPUS", live: bool = False, lacing: int = 0) -> bytes:
    head, _, *audio = held
    kind = element("83", b"\x02")
    entry = element("ae", element("d7", b"\x01") + kind + element("86", codec) + element("63a2", head))
    blocks = [b"\x81\0\0" + bytes([0x80 | lacing]) + each for each in audio]
    half = len(blocks) // 2
    simple = element("1f43b675", b"".join(element("a3", each) for each in blocks[:half]), live)
    groups = element("1f43b675", b"".join(element("a0", element("a1", each)) for each in blocks[half:]), live)
    other = element("1f43b675", element("a3", b"\x82\0\0\x80another track"))
    segment = element("18538067", element("1654ae6b", entry) + simple + other + groups, live)
    return element("1a45dfa3", element("4282", b"webm")) + segment


def read(content: bytes, **how: int) -> Waveform:
    return decode(content, encoding="opus", **how)


def refusal(content: bytes, **how: int) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read(content, **how)
    return caught.value


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_a_tone_comes_out_at_its_rate_and_length(rate: int) -> None:
    waveform = read(encoded(rate))
    served = min(rate, 16000)
    assert (waveform.rate, len(waveform.samples)) == (served, served)
    expected = tone(440, served)
    assert np.abs(waveform.samples - expected)[1000:-1000].max() < 0.1 * np.abs(expected).max()


def test_the_named_channel_is_taken() -> None:
    content = encoded(channels=2)
    assert refusal(content).code == "audio_channel_required"
    quiet, loud = (read(content, channel=each).samples[2000:14_000].std() for each in (0, 1))
    assert loud > 4 * quiet


@pytest.mark.parametrize("live", [False, True])
def test_webm_holds_the_same_packets(live: bool) -> None:
    plain, found = read(encoded()).samples, read(in_webm(packets(encoded()), live=live)).samples
    assert np.abs(found[: len(plain)] - plain)[:-1000].max() < 1e-3
    assert 0 <= len(found) - len(plain) < 16000 * 0.06


def test_other_codecs_and_lacing_in_webm_are_refused_by_name() -> None:
    error = refusal(in_webm(packets(encoded()), b"A_VORBIS"))
    assert (error.code, error.found) == ("audio_encoding_unsupported", "A_VORBIS in Matroska or WebM")
    assert refusal(in_webm(packets(encoded()), lacing=2)).code == "audio_encoding_unsupported"
    assert refusal(in_webm(packets(encoded()))[:-10]).code == "audio_truncated"


def test_the_header_has_to_be_one_that_is_taken() -> None:
    head, *rest = packets(encoded())
    for at, value in ((9, 3), (9, 0), (8, 16), (18, 1)):
        wrong = bytearray(head)
        wrong[at] = value
        assert refusal(in_webm([bytes(wrong), *rest])).code == "audio_encoding_unsupported"
    assert refusal(in_webm([b"OpusTags", *rest])).code == "audio_malformed"


def test_a_rate_may_be_stated_as_it_was_before_encoding_or_as_the_codec_has_it() -> None:
    assert read(encoded(8000), rate=8000).rate == read(encoded(8000), rate=48000).rate == 8000
    assert refusal(encoded(8000), rate=16000).code == "audio_rate_mismatch"


def stream_of(packet: bytes, count: int) -> bytes:
    return ogg.stream(
        [(0, [packets(encoded())[0]]), (0, [b"OpusTags"]), *((960 * each, [packet]) for each in range(count))]
    )


@pytest.mark.parametrize(
    "packet", [b"", b"\x03", b"\x03\x00", b"\x1b\x07", b"\x03\x41", b"\x03\x41\xff\xff", bytes(70_000)]
)
def test_packets_that_break_the_rules_are_malformed(packet: bytes) -> None:
    assert refusal(in_webm([*packets(encoded()), packet])).code == "audio_malformed"


def test_padding_is_taken_off() -> None:
    assert opus.without_padding(b"\x0b\x41\x03sound\0\0\0") == b"\x0b\x01sound"
    assert opus.without_padding(b"\x0b\x41\xff\x01sound" + bytes(255)) == b"\x0b\x01sound"
    assert opus.without_padding(b"\x08sound") == b"\x08sound"


def test_what_is_too_long_is_refused_before_it_is_decoded() -> None:
    longest = stream_of(b"\xfb\x06" + bytes(6), 4000)
    assert refusal(longest).code == "audio_too_long"
    assert refusal(stream_of(b"\xf8\xff\xfe", 5)).code == "audio_too_short"


def test_elements_and_pages_without_sound_have_a_limit() -> None:
    assert refusal(in_webm(packets(encoded()))[:60] + b"\xec\x80" * 250_000).code in {
        "audio_too_long",
        "audio_truncated",
    }
    assert refusal(b"\x1aE\xdf\xa3\x80" + b"\xec\x80" * 250_000).code == "audio_too_long"
    assert refusal(ogg.stream([(0, [])]) * 51_000).code == "audio_too_long"


@given(
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=20),
    st.integers(0, 20_000),
)
def test_any_damage_is_survived(webm: bool, damage: list[tuple[int, int]], length: int) -> None:
    damaged = bytearray(in_webm(packets(encoded())) if webm else encoded())
    for at, value in damage:
        damaged[at : at + 1] = bytes([value])
    assert is_sound(outcome(bytes(damaged[:length]), encoding="opus", channel=0))


FUZZ = """
import random, sys
from bonafide.audio.decode import decode
from bonafide.audio.formats import ogg
from bonafide.errors import InvalidInput
held = list(ogg.packets(open(sys.argv[1], "rb").read()))
draw = random.Random(1)
for _ in range(150):
    odd = [draw.randbytes(draw.choice([0, 1, 3, 60, 400])) for _ in held]
    mixed = [draw.choice(pair)[: draw.choice([1, 1, 1, 0, 5]) * 2000 or None] for pair in zip(held, odd)]
    mixed[:2] = held[:2]
    try:
        decode(ogg.stream([(960 * at, [each]) for at, each in enumerate(mixed)]), encoding="opus")
    except InvalidInput:
        pass
"""


def test_odd_packets_never_bring_the_process_down(tmp_path: Path) -> None:
    file = tmp_path / "sound.opus"
    file.write_bytes(encoded())
    subprocess.run([sys.executable, "-c", FUZZ, str(file)], check=True, timeout=120)
