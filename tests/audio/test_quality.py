import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from bonafide.audio.quality import clipped_shares, measure
from bonafide.audio.spectral.frames import Spectra
from bonafide.audio.waveform import Samples, Waveform, without_offset
from bonafide.biometrics.evidence import Quality
from tests.audio.signals import pcm, tone, voice

type Mask = NDArray[np.bool_]

SECOND = 16000


def sixteen_bit(samples: Samples) -> Samples:
    return np.asarray(pcm(samples) / 32768, np.float32)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SECOND), np.float32)


def noise(seconds: float, level: float) -> Samples:
    """White noise of this RMS."""
    source = np.random.default_rng(1).standard_normal(round(seconds * SECOND))
    return np.asarray(level * source, np.float32)


def measured(*parts: tuple[Samples, bool], beneath: Samples | float = 0.0) -> Quality:
    """Measures parts, each speech or not, with something beneath all of them."""
    samples = np.concatenate([part for part, _ in parts])
    spoken = np.concatenate([np.full(len(part), speech) for part, speech in parts])
    waveform = Waveform(np.asarray(samples + beneath, np.float32), SECOND)
    windows = np.pad(spoken, (0, -len(spoken) % 512)).reshape(-1, 512).mean(axis=1) > 0.5
    return measure(waveform, Spectra.of(waveform), windows)


def call() -> list[tuple[Samples, bool]]:
    """A second of speech at -23 dB, half a second of pause with noise at -60 dB, and speech again."""
    return [(noise(1, 0.0708), True), (noise(0.5, 0.001), False), (noise(1, 0.0708), True)]


CLEAN = measured(*call())


@pytest.mark.parametrize("level", [1.0, 0.1, 0.01])
def test_the_level_is_that_of_the_speech(level: float) -> None:
    quality = measured((tone(440, level=level), True), (silence(1), False))
    assert quality.level_dbfs == pytest.approx(20 * np.log10(level) - 3.01, abs=0.1)


def test_silence_has_a_finite_level_and_no_snr() -> None:
    quality = measured((silence(1), False))
    assert (quality.level_dbfs, quality.clipped, quality.snr_db) == (-100.0, 0.0, None)


def test_the_snr_is_speech_over_the_noise_of_its_pauses() -> None:
    assert CLEAN.snr_db == pytest.approx(37, abs=2.0)


@pytest.mark.parametrize(
    "before",
    [
        tone(440, seconds=8, level=0.3) + tone(480, seconds=8, level=0.3),
        noise(8, 0.2),
        np.concatenate([noise(8, 0.2), silence(0.2)]),
    ],
    ids=["ringing", "to the first word", "with a pause before it"],
)
def test_what_comes_before_the_speech_is_neither_speech_nor_its_noise(before: Samples) -> None:
    quality = measured((before, False), *call(), (noise(0.5, 0.001), False))
    assert quality.snr_db is not None
    assert CLEAN.snr_db is not None
    assert quality.snr_db > CLEAN.snr_db - 2
    assert quality.level_dbfs == pytest.approx(CLEAN.level_dbfs, abs=0.2)


def test_music_that_ends_where_speech_without_a_pause_begins_is_no_noise() -> None:
    snr = measured((noise(4, 0.1), False), (voice(), True)).snr_db
    assert snr is not None
    assert snr > 12


@pytest.mark.parametrize("hertz", [50, 60])
def test_hum_and_an_offset_are_neither_speech_nor_its_noise(hertz: int) -> None:
    hum = 0.1 + tone(hertz, seconds=2.5, level=0.1) + tone(3 * hertz, seconds=2.5, level=0.01)
    quality = measured(*call(), beneath=hum)
    assert (quality.snr_db, quality.level_dbfs) == pytest.approx((CLEAN.snr_db, CLEAN.level_dbfs), abs=0.5)


def test_a_whistle_of_the_line_is_no_noise() -> None:
    assert measured(*call(), beneath=tone(1000, seconds=2.5, level=0.01)).snr_db == pytest.approx(CLEAN.snr_db, abs=0.5)


def test_a_breath_in_the_pause_is_no_noise() -> None:
    pause = np.concatenate([noise(0.4, 0.001), noise(0.1, 0.05)])
    quality = measured(call()[0], (pause, False), call()[2])
    assert quality.snr_db == pytest.approx(CLEAN.snr_db, abs=2.0)


@pytest.mark.parametrize("decibels", [5, 10, 15, 25])
def test_noise_under_the_speech_is_measured_in_the_pauses(decibels: float) -> None:
    hiss = noise(2.5, 0.0708 * 10 ** (-decibels / 20))
    assert measured((noise(1, 0.0708), True), (silence(0.5), False), (noise(1, 0.0708), True), beneath=hiss).snr_db == (
        pytest.approx(decibels, abs=3.5)
    )


def test_the_snr_is_unknown_when_there_is_nearly_no_pause() -> None:
    assert measured((tone(440), True), (silence(0.06), False)).snr_db is None


def test_the_snr_over_digital_silence_is_finite() -> None:
    snr = measured((tone(440), True), (silence(1), False)).snr_db
    assert snr is not None
    assert 60 < snr <= 100


def clipped(samples: Samples) -> float:
    return measured((samples, True)).clipped


@pytest.mark.parametrize("turned_to", [1.0, 0.5, 0.05])
def test_clipping_is_found_even_when_it_was_turned_down_afterwards(turned_to: float) -> None:
    flat = np.clip(voice() * 10, -0.999, 0.999)
    fraction = float(np.mean(np.abs(flat) >= 0.999))
    assert clipped(sixteen_bit(flat * np.float32(turned_to))) == pytest.approx(fraction, rel=0.35)


def test_clipping_of_one_side_is_found() -> None:
    assert clipped(sixteen_bit(np.minimum(voice(), 0.05))) > 0.01


def test_clipped_music_before_the_speech_is_no_clipping_of_it() -> None:
    music = np.clip(10 * tone(300), -0.9, 0.9)[: 31 * 512]
    assert measured((music, False), (voice(), True)).clipped == 0.0


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01])
def test_loud_clean_audio_is_not_clipped(gain: float) -> None:
    loud = voice() / np.abs(voice()).max()
    assert clipped(sixteen_bit(loud * np.float32(gain))) < 0.001


def test_a_faint_or_constant_signal_is_not_clipped() -> None:
    assert clipped(sixteen_bit(tone(440, level=0.0005))) == 0.0
    assert clipped(np.full(SECOND, 0.5, np.float32)) == 0.0


@given(
    arrays(np.float32, st.integers(1, 2000), elements=st.floats(-1, 1, width=32, allow_subnormal=False)),
    st.sampled_from([8000, 16000]),
    st.booleans(),
)
def test_any_samples_have_finite_measurements(samples: Samples, rate: int, speech: bool) -> None:
    waveform = Waveform(samples, rate, clipped_shares(samples, 44100))
    spectra = Spectra.of(waveform)
    quality = measure(waveform, spectra, np.full(len(spectra.power), speech))
    assert -100 <= quality.level_dbfs <= 3.01
    assert 0 <= quality.clipped <= 1


@pytest.mark.parametrize("offset", [-0.1, 0.01])
def test_an_offset_is_taken_from_what_the_speech_detector_gets(offset: float) -> None:
    shifted = without_offset(Waveform(voice() + np.float32(offset), SECOND))
    assert abs(shifted.samples.mean()) < 1e-6


def test_speech_without_an_offset_stays_as_it_is() -> None:
    waveform = Waveform(voice(), SECOND)
    assert without_offset(waveform) is waveform
