import numpy as np
import pytest

from bonafide.audio.telephone import to_narrowband
from bonafide.audio.waveform import Waveform
from tests.audio.signals import tone, voice
from training.corpus.telephone import telephone


def level_db(waveform: Waveform) -> float:
    return float(10 * np.log10(np.mean(waveform.samples[800:-800].astype(float) ** 2) + 1e-15))


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
