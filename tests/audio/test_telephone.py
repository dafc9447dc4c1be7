import numpy as np

from bonafide.audio.g711 import MULAW
from bonafide.audio.telephone import to_narrowband
from bonafide.audio.waveform import Waveform
from tests.audio.signals import tone, voice


def test_narrowband_audio_is_8_khz_and_holds_only_mulaw_values() -> None:
    narrow = to_narrowband(Waveform(voice(), 16000))
    assert narrow.rate == 8000
    assert set(np.unique(narrow.samples * 32768)) <= set(MULAW.astype(float))


def test_narrowband_audio_is_returned_unchanged() -> None:
    waveform = Waveform(tone(440, 8000), 8000)
    assert to_narrowband(waveform) is waveform


def test_over_full_scale_input_is_limited() -> None:
    loud = Waveform(tone(1000, level=4.0), 16000)
    assert np.abs(to_narrowband(loud).samples).max() <= 1.0


def test_the_band_is_the_same_bits_each_time() -> None:
    wide = Waveform(voice(), 16000)
    assert to_narrowband(wide).samples.tobytes() == to_narrowband(wide).samples.tobytes()
