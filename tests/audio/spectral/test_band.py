from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bonafide.audio.resample import resample
from bonafide.audio.spectral.band import effective_channel
from bonafide.audio.spectral.frames import Spectra
from bonafide.audio.telephone import to_narrowband
from bonafide.audio.waveform import Samples, Waveform
from bonafide.biometrics.evidence import Channel
from tests.audio.signals import pcm, voice
from training.corpus.telephone import telephone

WINDOW = 512

type Doubled = Callable[[Samples], Samples]


def channel(samples: Samples, rate: int = 16000) -> Channel:
    """The band of something with a pause in each fifth piece of 0.2 s, as in `voice`."""
    spectra = Spectra.of(Waveform(samples, rate))
    middles = np.arange(len(spectra.power)) * 0.032 + 0.016
    return effective_channel(rate, spectra, np.asarray(middles // 0.2 % 5 != 4))


def upsampled(waveform: Waveform) -> Samples:
    return resample(waveform.samples, 8000, 16000)


def noise(samples: Samples, dbfs: float) -> Samples:
    source = np.random.default_rng(1).standard_normal(len(samples))
    return (samples + source * 10 ** (dbfs / 20)).astype(np.float32)


def sixteen_bit(samples: Samples) -> Samples:
    return np.asarray(pcm(samples) / 32768, np.float32)


def line() -> Samples:
    return telephone(Waveform(voice(), 16000)).samples


def linear(samples: Samples, rate: int = 16000) -> Samples:
    places = np.arange(len(samples) * rate // 8000) * (8000 / rate)
    return np.asarray(np.interp(places, np.arange(len(samples)), samples), np.float32)


def nearest(samples: Samples, rate: int = 16000) -> Samples:
    places = (np.arange(len(samples) * rate // 8000) * (8000 / rate)).astype(int)
    return np.asarray(samples[np.minimum(places, len(samples) - 1)], np.float32)


def cubic(samples: Samples) -> Samples:
    """Catmull-Rom splines: the mean of neighbors, less an eighth of how those beyond differ from it."""
    a, b, c, d = (np.pad(samples, (1, 2))[shift:][: len(samples)] for shift in range(4))
    return np.stack([b, (9 * (b + c) - a - d) / 16], axis=1).reshape(-1).astype(np.float32)


def zeros(samples: Samples) -> Samples:
    return np.stack([samples, np.zeros_like(samples)], axis=1).reshape(-1)


def by_way_of(rate: int, interpolate: Callable[[Samples, int], Samples]) -> Doubled:
    return lambda samples: resample(interpolate(samples, rate), rate, 16000)


def test_wideband_speech_is_wideband() -> None:
    assert channel(voice()) is Channel.WIDEBAND


def test_8_khz_audio_is_narrowband_whatever_it_holds() -> None:
    assert channel(voice(8000), 8000) is Channel.NARROWBAND


@pytest.mark.parametrize("simulate", [telephone, to_narrowband])
def test_telephone_speech_in_a_16_khz_file_is_narrowband(simulate: Callable[[Waveform], Waveform]) -> None:
    assert channel(sixteen_bit(upsampled(simulate(Waveform(voice(), 16000))))) is Channel.NARROWBAND


@pytest.mark.parametrize(
    "double",
    [linear, nearest, cubic, zeros, by_way_of(44100, linear), by_way_of(44100, nearest), by_way_of(22050, nearest)],
)
@pytest.mark.parametrize("dbfs", [-120, -70, -50])
def test_speech_of_8_khz_between_whose_samples_others_were_put_is_narrowband(double: Doubled, dbfs: float) -> None:
    assert channel(sixteen_bit(noise(double(line()), dbfs))) is Channel.NARROWBAND


@pytest.mark.parametrize("dbfs", [-96, -80, -65])
def test_noise_above_the_telephone_band_does_not_make_it_wideband(dbfs: float) -> None:
    assert channel(sixteen_bit(noise(resample(line(), 8000, 16000), dbfs))) is Channel.NARROWBAND


@pytest.mark.parametrize("dbfs", [-60, -45, -30, -20])
def test_noise_does_not_make_wideband_speech_narrowband(dbfs: float) -> None:
    assert channel(noise(voice(), dbfs)) is Channel.WIDEBAND


def test_quiet_wideband_speech_is_wideband() -> None:
    assert channel(sixteen_bit(voice() * 0.03)) is Channel.WIDEBAND


def test_a_band_is_found_without_any_speech_or_with_less_than_a_frame() -> None:
    for samples in (voice(seconds=0.6), voice(seconds=0.6)[:100]):
        spectra = Spectra.of(Waveform(samples, 16000))
        assert effective_channel(16000, spectra, np.zeros(len(spectra.power), np.bool_)) in Channel


@given(
    arrays(
        np.float32, st.integers(1, 12000), elements=st.floats(-1, 1, width=32, allow_subnormal=False), fill=st.just(0)
    ),
    st.sampled_from([8000, 16000]),
)
def test_any_samples_have_a_band(samples: Samples, rate: int) -> None:
    assert channel(samples, rate) in Channel
