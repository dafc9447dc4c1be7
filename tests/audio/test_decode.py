import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest
from G722 import G722  # type: ignore[import-not-found]
from hypothesis import given
from hypothesis import strategies as st

from bonafide.audio.decode import ENCODINGS, decode
from bonafide.audio.formats import wav as wav_format
from bonafide.audio.g711 import ALAW, MULAW
from bonafide.audio.quality import measure
from bonafide.audio.spectral.frames import Spectra
from bonafide.audio.waveform import Waveform
from bonafide.errors import InvalidInput, Subject, UnsupportedAudio
from tests.audio.signals import pcm, tone
from tests.audio.wav_writer import chunk, extensible, layout, riff, wav

TONE = pcm(tone(440))
DATA = chunk(b"data", TONE.tobytes())
FORMAT = chunk(b"fmt ", layout())


def refusal(content: bytes, **how: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        decode(content, **how)
    return caught.value


def code(content: bytes, **how: Any) -> str:
    return refusal(content, **how).code


def test_pcm_comes_out_bit_exact() -> None:
    waveform = decode(wav(TONE))
    assert waveform.rate == 16000
    assert np.array_equal(waveform.samples * 32768, TONE)
    assert waveform.samples.dtype == np.float32


@pytest.mark.parametrize("rate", [8000, 16000])
def test_the_served_rates_are_kept(rate: int) -> None:
    assert decode(wav(TONE, rate)).rate == rate


@pytest.mark.parametrize(
    ("rate", "becomes"), [(48000, 16000), (44100, 16000), (22050, 16000), (16001, 16000), (15999, 8000), (11025, 8000)]
)
def test_other_rates_are_resampled_and_keep_their_duration(rate: int, becomes: int) -> None:
    waveform = decode(wav(pcm(tone(440, rate, 1.0)), rate))
    assert waveform.rate == becomes
    assert waveform.seconds == pytest.approx(1.0, abs=1 / becomes)


@pytest.mark.parametrize("rate", [0, 1, 7999, 48001, 2**32 - 1])
def test_a_rate_out_of_range_is_refused_with_the_range(rate: int) -> None:
    error = refusal(wav(TONE, rate))
    assert (error.code, error.limit, error.found) == ("audio_rate_unsupported", "8000-48000 Hz", rate)


@pytest.mark.parametrize(("tag", "table"), [(6, ALAW), (7, MULAW)])
@pytest.mark.parametrize("make", [layout, extensible])
def test_g711_comes_out_bit_exact_from_either_form_of_wav(tag: int, table: Any, make: Any) -> None:
    codes = np.arange(8000).astype(np.uint8)
    content = riff(chunk(b"fmt ", make(tag, rate=8000, bits=8)), chunk(b"data", codes.tobytes()))
    assert np.array_equal(decode(content).samples * 32768, table[codes])


def test_extensible_pcm_is_pcm() -> None:
    content = riff(chunk(b"fmt ", extensible()), DATA)
    assert np.array_equal(decode(content).samples, decode(wav(TONE)).samples)


@pytest.mark.parametrize("make", [layout, extensible])
@pytest.mark.parametrize(
    ("tag", "bits", "name"),
    [
        (3, 16, "IEEE float, 16 bits"),
        (1, 8, "PCM, 8 bits"),
        (1, 12, "PCM, 12 bits"),
        (49, 0, "GSM 06.10, 0 bits"),
        (101, 4, "G.722, 4 bits"),
        (2, 4, "MS ADPCM, 4 bits"),
        (0x11, 4, "IMA ADPCM, 4 bits"),
        (0x55, 0, "MP3, 0 bits"),
        (6, 16, "A-law, 16 bits"),
        (0x1234, 16, "format 0x1234, 16 bits"),
    ],
)
def test_other_encodings_are_refused_by_name(make: Any, tag: int, bits: int, name: str) -> None:
    error = refusal(riff(chunk(b"fmt ", make(tag, bits=bits)), DATA))
    assert (error.code, error.found) == ("audio_encoding_unsupported", name)
    assert error.limit == wav_format.TAKEN


@pytest.mark.parametrize("body", [layout(0xFFFE), extensible()[:39], extensible(tail=b"\1" * 14)])
def test_an_extensible_format_that_is_cut_or_foreign_is_malformed(body: bytes) -> None:
    assert code(riff(chunk(b"fmt ", body), DATA)) == "audio_malformed"


@pytest.mark.parametrize(
    "content",
    [
        b"R",
        b"RIFF\0\0\0\0WAVE"[:11],
        wav(TONE)[4:],
        b"\0" * 4000,
        b"fLaC" + bytes(4000),
        riff(FORMAT, DATA, form=b"AVI "),
        riff(FORMAT, DATA, DATA),
        riff(FORMAT, DATA, chunk(b"data", b"", 2**20)),
        riff(DATA, FORMAT),
        riff(FORMAT),
        riff(),
        riff(chunk(b"fmt ", layout()[:15]), DATA),
        riff(chunk(b"fmt ", layout(channels=0)), DATA),
        riff(chunk(b"fmt ", layout(align=3)), DATA),
        riff(*[chunk(b"junk", b"")] * 100_000, FORMAT, DATA),
    ],
)
def test_what_is_no_wav_or_contradicts_itself_is_malformed(content: bytes) -> None:
    assert code(content) == "audio_malformed"


@pytest.mark.parametrize(
    "content",
    [
        wav(TONE)[:-1],
        wav(TONE)[:100],
        wav(TONE)[:40],
        riff(FORMAT, chunk(b"data", TONE.tobytes(), 1_999_999_999)),
        riff(chunk(b"LIST", b"INFO", 2**32 - 1), FORMAT, DATA),
        riff(FORMAT, DATA, magic=b"RIFX"),
    ],
)
def test_a_chunk_that_claims_more_than_there_is_is_not_believed(content: bytes) -> None:
    assert code(content, channel=0) in {"audio_truncated", "audio_malformed"}


def test_a_truncated_file_says_how_much_is_missing() -> None:
    error = refusal(wav(TONE)[:-1000])
    assert (error.code, error.found, error.limit) == ("audio_truncated", 32000, 31000)


@pytest.mark.parametrize(
    "content",
    [
        wav(TONE) + b"junk" * 1000,
        riff(chunk(b"LIST", b"INFO" * 5000), FORMAT, chunk(b"fact", b"abc"), DATA),
        riff(FORMAT, chunk(b"odd!", b"abc"), DATA, chunk(b"LIST", b"tail")),
        wav(TONE)[:4] + b"\xff\xff\xff\xff" + wav(TONE)[8:],
        wav(TONE)[:4] + b"\0\0\0\0" + wav(TONE)[8:],
    ],
)
def test_other_chunks_trailing_bytes_and_the_size_of_the_whole_do_not_matter(content: bytes) -> None:
    assert np.array_equal(decode(content).samples, decode(wav(TONE)).samples)


def test_clipping_is_measured_before_resampling_hides_it() -> None:
    overdriven = pcm(np.clip(tone(440, 44100, level=2.0), -0.9, 0.9))
    waveform = decode(wav(overdriven, 44100))
    fraction = float(np.mean(np.abs(overdriven) == overdriven.max()))
    assert waveform.clipped is not None
    assert waveform.clipped.mean() == pytest.approx(fraction, rel=0.01)
    spectra = Spectra.of(waveform)
    assert measure(waveform, spectra, np.ones(len(spectra.power), np.bool_)).clipped == waveform.clipped.mean()


def test_the_named_channel_is_taken() -> None:
    caller, agent = TONE, pcm(tone(200))
    stereo = wav(np.stack([agent, caller], axis=1))
    assert np.array_equal(decode(stereo, channel=1).samples * 32768, caller)
    assert np.array_equal(decode(stereo, channel=0).samples * 32768, agent)


def test_more_than_one_channel_needs_a_name() -> None:
    error = refusal(wav(np.stack([TONE, TONE], axis=1)))
    assert (error.code, error.subject, error.limit) == ("audio_channel_required", Subject.CHANNEL, 1)


@pytest.mark.parametrize("channel", [-1, 1, 7, 10**9])
def test_a_channel_that_is_not_there_is_refused(channel: int) -> None:
    error = refusal(wav(TONE), channel=channel)
    assert (error.code, error.subject, error.found) == ("audio_channel_out_of_range", Subject.CHANNEL, channel)


@pytest.mark.parametrize("channels", [9, 65535])
def test_more_channels_than_a_call_has_are_refused(channels: int) -> None:
    body = layout(6, channels, bits=8)
    content = riff(chunk(b"fmt ", body), chunk(b"data", bytes(channels)))
    assert code(content, channel=0) == "audio_channels_unsupported"


@pytest.mark.parametrize("rate", [8000, 16000, 11025, 44100, 48000])
def test_half_a_second_to_a_minute_is_taken_to_the_sample(rate: int) -> None:
    shortest, longest = -(-rate // 2), 60 * rate
    assert decode(wav(np.zeros(shortest, np.int16), rate)).seconds >= 0.5
    assert decode(wav(np.zeros(longest, np.int16), rate)).seconds == 60
    assert code(wav(np.zeros(shortest - 1, np.int16), rate)) == "audio_too_short"
    assert code(wav(np.zeros(longest + 1, np.int16), rate)) == "audio_too_long"


def test_a_length_out_of_range_is_told_with_its_limit() -> None:
    error = refusal(wav(TONE[:1600]))
    assert (error.code, error.subject, error.limit, error.found) == ("audio_too_short", Subject.AUDIO, 0.5, 0.1)


def test_no_bytes_are_empty_in_every_encoding() -> None:
    assert {code(b"", encoding=encoding, rate=8000) for encoding in ENCODINGS} == {"audio_empty"}


def test_a_data_chunk_without_data_is_too_short() -> None:
    assert code(riff(FORMAT, chunk(b"data", b""))) == "audio_too_short"


@pytest.mark.parametrize(("encoding", "table"), [("alaw", ALAW), ("mulaw", MULAW)])
def test_bare_g711_comes_out_bit_exact(encoding: str, table: Any) -> None:
    codes = np.arange(8000).astype(np.uint8)
    waveform = decode(codes.tobytes(), encoding=encoding, rate=8000)
    assert np.array_equal(waveform.samples * 32768, table[codes])


def test_bare_pcm_comes_out_bit_exact() -> None:
    waveform = decode(TONE.astype("<i2").tobytes(), encoding="pcm_s16le", rate=16000)
    assert np.array_equal(waveform.samples * 32768, TONE)


def test_bare_pcm_that_ends_inside_a_sample_is_truncated() -> None:
    assert code(TONE.tobytes()[:-1], encoding="pcm_s16le", rate=16000) == "audio_truncated"


@pytest.mark.parametrize("encoding", ["pcm_s16le", "alaw", "mulaw"])
def test_bare_samples_need_a_rate(encoding: str) -> None:
    error = refusal(TONE.tobytes(), encoding=encoding)
    assert (error.code, error.subject) == ("audio_rate_required", Subject.SAMPLE_RATE)


@pytest.mark.parametrize("rate", [-1, 0, 7999, 48001, 10**30])
def test_bare_samples_need_a_rate_in_range(rate: int) -> None:
    assert code(TONE.tobytes(), encoding="mulaw", rate=rate) == "audio_rate_unsupported"


def test_bare_g722_is_of_16_khz_whatever_is_not_said() -> None:
    codes = bytes(G722(16000, 64000).encode(TONE))
    waveform = decode(codes, encoding="g722")
    assert waveform.rate == 16000
    assert refusal(codes, encoding="g722", rate=8000).code == "audio_rate_mismatch"
    late = waveform.samples[22 : 22 + 15000] * 32768 - TONE[:15000]
    assert np.sqrt(np.mean(late[1000:] ** 2)) < 0.02 * np.sqrt(np.mean(TONE.astype(float) ** 2))


def test_bare_samples_have_one_channel() -> None:
    assert code(TONE.tobytes(), encoding="mulaw", rate=8000, channel=1) == "audio_channel_out_of_range"
    assert decode(TONE.tobytes(), encoding="mulaw", rate=8000, channel=0).rate == 8000


def test_a_stated_rate_has_to_be_that_of_the_file() -> None:
    error = refusal(wav(TONE), rate=8000)
    assert (error.code, error.subject, error.limit, error.found) == (
        "audio_rate_mismatch",
        Subject.SAMPLE_RATE,
        16000,
        8000,
    )
    assert decode(wav(TONE), rate=16000).rate == 16000


@pytest.mark.parametrize("encoding", ["aac", "", "WAV", "x" * 10_000])
def test_an_unknown_encoding_is_refused(encoding: str) -> None:
    error = refusal(wav(TONE), encoding=encoding)
    assert error.code == "audio_encoding_unsupported"
    assert len(str(error.found)) <= 32


def test_what_is_wrong_with_the_audio_is_told_apart_from_what_is_wrong_with_the_request() -> None:
    assert isinstance(refusal(b"junk"), UnsupportedAudio)
    assert not isinstance(refusal(wav(TONE), channel=3), UnsupportedAudio)


def test_a_header_cannot_make_it_allocate() -> None:
    lying = riff(chunk(b"fmt ", layout(7, bits=8)), chunk(b"data", b"\0" * 100, 2**32 - 1))
    tracemalloc.start()
    refusal(lying)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def outcome(content: bytes, **how: Any) -> Waveform | InvalidInput:
    try:
        return decode(content, **how)
    except InvalidInput as error:
        return error


def is_sound(result: Waveform | InvalidInput) -> bool:
    """Whether it is a whole waveform or a refusal that says what is wrong."""
    if isinstance(result, InvalidInput):
        return result.code.startswith("audio_") and bool(result.subject)
    samples = result.samples
    return bool(np.isfinite(samples).all()) and result.rate in {8000, 16000} and 0.5 <= result.seconds <= 60


PARAMETERS = {
    "encoding": st.sampled_from(ENCODINGS),
    "rate": st.none() | st.integers(-1, 50_000),
    "channel": st.none() | st.integers(-1, 9),
}


@given(content=st.binary(max_size=20_000), **PARAMETERS)
def test_any_bytes_are_decoded_or_refused(content: bytes, encoding: str, rate: int | None, channel: int | None) -> None:
    assert is_sound(outcome(content, encoding=encoding, rate=rate, channel=channel))


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 255)), max_size=8), st.integers(0, 32_044))
def test_any_damage_to_a_wav_header_is_survived(damage: list[tuple[int, int]], length: int) -> None:
    content = bytearray(wav(TONE)[:length])
    for at, value in damage:
        content[at : at + 1] = bytes([value])
    assert is_sound(outcome(bytes(content), channel=0))


@given(st.data())
def test_any_order_of_any_chunks_is_survived(data: st.DataObject) -> None:
    number = st.sampled_from([0, 1, 2, 8, 16, 255, 8000, 16000, 65535])
    fields = [data.draw(number) for _ in range(6)]
    body = struct.pack("<HHIIHH", *fields) + data.draw(st.binary(max_size=30))
    size = st.none() | st.sampled_from([0, 1, 2**31, 2**32 - 1])
    pieces = [
        chunk(b"fmt ", body, data.draw(size)),
        chunk(b"data", TONE.tobytes(), data.draw(size)),
        chunk(b"LIST", b""),
    ]
    assert is_sound(outcome(riff(*data.draw(st.permutations(pieces))), channel=0))
