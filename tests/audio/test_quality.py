from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from bonafide.audio.quality import effective_channel, measure
from bonafide.audio.resample import resample
from bonafide.audio.telephone import to_narrowband
from bonafide.audio.waveform import Samples, Waveform
from bonafide.biometrics.evidence import Channel
from tests.audio.signals import pcm, tone, voice
from training.corpus.telephone import telephone

type Mask = NDArray[np.bool_]


def everything(samples: Samples) -> Mask:
    return np.ones(len(samples), np.bool_)


def speaking(samples: Samples, rate: int = 16000) -> Mask:
    """All but each fifth piece of 0.2 s, which is the pause of `voice`."""
    return np.asarray(np.arange(len(samples)) // round(0.2 * rate) % 5 != 4)


def channel(samples: Samples, rate: int = 16000) -> Channel:
    return effective_channel(Waveform(samples, rate), speaking(samples, rate))


def upsampled(waveform: Waveform) -> Samples:
    return resample(waveform.samples, 8000, 16000)


def noise(samples: Samples, dbfs: float) -> Samples:
    source = np.random.default_rng(1).standard_normal(len(samples))
    return (samples + source * 10 ** (dbfs / 20)).astype(np.float32)


def sixteen_bit(samples: Samples) -> Samples:
    return np.asarray(pcm(samples) / 32768, np.float32)


def test_wideband_speech_is_wideband() -> None:
    assert channel(voice()) is Channel.WIDEBAND


def test_8_khz_audio_is_narrowband_whatever_it_holds() -> None:
    assert channel(voice(8000), 8000) is Channel.NARROWBAND


@pytest.mark.parametrize("simulate", [telephone, to_narrowband])
def test_telephone_speech_in_a_16_khz_file_is_narrowband(simulate: Callable[[Waveform], Waveform]) -> None:
    assert channel(sixteen_bit(upsampled(simulate(Waveform(voice(), 16000))))) is Channel.NARROWBAND


def linear(samples: Samples) -> Samples:
    return np.interp(np.arange(2 * len(samples)) / 2, np.arange(len(samples)), samples).astype(np.float32)


@pytest.mark.parametrize("double", [linear, lambda samples: np.repeat(samples, 2)])
@pytest.mark.parametrize("dbfs", [-120, -70])
def test_speech_of_8_khz_between_whose_samples_others_were_put_is_narrowband(
    double: Callable[[Samples], Samples], dbfs: float
) -> None:
    spoken = double(telephone(Waveform(voice(), 16000)).samples)
    assert channel(sixteen_bit(noise(spoken, dbfs))) is Channel.NARROWBAND


@pytest.mark.parametrize("dbfs", [-96, -80, -65])
def test_noise_above_the_telephone_band_does_not_make_it_wideband(dbfs: float) -> None:
    line = upsampled(telephone(Waveform(voice(), 16000)))
    assert channel(sixteen_bit(noise(line, dbfs))) is Channel.NARROWBAND


@pytest.mark.parametrize("dbfs", [-60, -45, -30, -20])
def test_noise_does_not_make_wideband_speech_narrowband(dbfs: float) -> None:
    assert channel(noise(voice(), dbfs)) is Channel.WIDEBAND


def test_quiet_wideband_speech_is_wideband() -> None:
    assert channel(sixteen_bit(voice() * 0.03)) is Channel.WIDEBAND


def test_a_band_is_found_without_any_speech_or_with_less_than_a_frame() -> None:
    samples = voice(seconds=0.6)
    assert effective_channel(Waveform(samples, 16000), ~everything(samples)) in Channel
    assert effective_channel(Waveform(samples[:100], 16000), everything(samples[:100])) in Channel


@pytest.mark.parametrize("level", [1.0, 0.1, 0.01])
def test_the_level_is_that_of_the_speech(level: float) -> None:
    samples = np.concatenate([tone(440, level=level), np.zeros(16000, np.float32)])
    mask = np.arange(32000) < 16000
    expected = 20 * np.log10(level) - 3.01
    assert measure(Waveform(samples, 16000), mask).level_dbfs == pytest.approx(expected, abs=0.01)


def test_silence_has_a_finite_level_and_no_snr() -> None:
    silence = np.zeros(16000, np.float32)
    quality = measure(Waveform(silence, 16000), ~everything(silence))
    assert (quality.level_dbfs, quality.clipped, quality.snr_db) == (-100.0, 0.0, None)


def test_the_snr_is_speech_over_the_rest() -> None:
    samples = np.concatenate([tone(440, level=0.5), tone(440, level=0.005)])
    mask = np.arange(32000) < 16000
    assert measure(Waveform(samples, 16000), mask).snr_db == pytest.approx(40, abs=0.2)


def test_a_breath_among_the_pauses_is_no_background() -> None:
    pause = np.concatenate([tone(440, level=0.005), tone(440, seconds=0.5, level=0.2)])
    samples = np.concatenate([tone(440, level=0.5), pause])
    mask = np.arange(len(samples)) < 16000
    assert measure(Waveform(samples, 16000), mask).snr_db == pytest.approx(40, abs=0.2)


def test_the_snr_is_unknown_when_there_is_nearly_no_background() -> None:
    mask = everything(tone(440))
    mask[:100] = False
    assert measure(Waveform(tone(440), 16000), mask).snr_db is None


def test_the_snr_over_digital_silence_is_finite() -> None:
    samples = np.concatenate([tone(440), np.zeros(16000, np.float32)])
    assert measure(Waveform(samples, 16000), np.arange(32000) < 16000).snr_db == pytest.approx(91, abs=0.1)


def clipped(samples: Samples) -> float:
    return measure(Waveform(samples, 16000), everything(samples)).clipped


@pytest.mark.parametrize("turned_to", [1.0, 0.5, 0.05])
def test_clipping_is_found_even_when_it_was_turned_down_afterwards(turned_to: float) -> None:
    flat = np.clip(voice() * 10, -0.999, 0.999)
    fraction = float(np.mean(np.abs(flat) >= 0.999))
    assert clipped(sixteen_bit(flat * np.float32(turned_to))) == pytest.approx(fraction, rel=0.35)


def test_clipping_of_one_side_is_found() -> None:
    assert clipped(sixteen_bit(np.minimum(voice(), 0.05))) > 0.01


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01])
def test_loud_clean_audio_is_not_clipped(gain: float) -> None:
    loud = voice() / np.abs(voice()).max()
    assert clipped(sixteen_bit(loud * np.float32(gain))) < 0.001


def test_a_faint_or_constant_signal_is_not_clipped() -> None:
    assert clipped(sixteen_bit(tone(440, level=0.0005))) == 0.0
    assert clipped(np.full(16000, 0.5, np.float32)) == 0.0


@given(
    arrays(np.float32, st.integers(1, 2000), elements=st.floats(-1, 1, width=32, allow_subnormal=False)),
    st.sampled_from([8000, 16000]),
    st.booleans(),
)
def test_any_samples_have_finite_measurements(samples: Samples, rate: int, speech: bool) -> None:
    mask = np.full(len(samples), speech)
    quality = measure(Waveform(samples, rate), mask)
    assert -100 <= quality.level_dbfs <= 0.01
    assert 0 <= quality.clipped <= 1
    assert effective_channel(Waveform(samples, rate), mask) in Channel
