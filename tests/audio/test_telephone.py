import numpy as np
import pytest

from bonafide.audio.g711 import MULAW
from bonafide.audio.telephone import telephone, to_narrowband
from bonafide.audio.waveform import Waveform
from tests.audio.signals import tone, voice


def level_db(waveform: Waveform) -> float:
    return float(10 * np.log10(np.mean(waveform.samples[800:-800].astype(float) ** 2) + 1e-15))


def test_narrowband_audio_is_8_khz_and_holds_only_mulaw_values() -> None:
    narrow = to_narrowband(Waveform(voice(), 16000))
    assert narrow.rate == 8000
    assert set(np.unique(narrow.samples * 32768)) <= set(MULAW.astype(float))


def test_narrowband_audio_is_returned_unchanged() -> None:
    waveform = Waveform(tone(440, 8000), 8000)
    assert to_narrowband(waveform) is waveform


@pytest.mark.parametrize("hertz", [400, 1000, 3200])
def test_the_telephone_passes_its_band(hertz: float) -> None:
    wide = Waveform(tone(hertz), 16000)
    assert level_db(telephone(wide)) == pytest.approx(level_db(wide), abs=0.5)


@pytest.mark.parametrize(("hertz", "loss"), [(50, 20), (120, 12), (3600, 12), (3900, 20), (5000, 60)])
def test_the_telephone_stops_what_is_outside_its_band(hertz: float, loss: float) -> None:
    wide = Waveform(tone(hertz), 16000)
    assert level_db(telephone(wide)) < level_db(wide) - loss


def test_the_telephone_keeps_the_duration_and_adds_no_delay() -> None:
    wide = Waveform(voice(seconds=1.0), 16000)
    narrow = to_narrowband(wide).samples
    line = telephone(wide).samples
    assert len(line) == len(narrow) == 8000
    assert np.argmax(np.correlate(narrow, line, mode="full")) == len(line) - 1


def test_the_telephone_takes_8_khz_audio_too() -> None:
    assert telephone(Waveform(tone(1000, 8000), 8000)).rate == 8000


def test_the_simulations_give_the_same_bits_each_time() -> None:
    wide = Waveform(voice(), 16000)
    assert telephone(wide).samples.tobytes() == telephone(wide).samples.tobytes()


def test_over_full_scale_input_is_limited() -> None:
    loud = Waveform(tone(1000, level=4.0), 16000)
    assert np.abs(to_narrowband(loud).samples).max() <= 1.0
