"""Mislabeled speech, by the mistakes that integrators make."""

from collections.abc import Callable

import numpy as np
import pytest

from bonafide.audio.decode import require_as_labeled
from bonafide.audio.encoding import Encoding, RecordingFormat
from bonafide.audio.g711 import Pcm
from bonafide.audio.labels import is_interleaved
from bonafide.audio.waveform import Waveform
from bonafide.errors import UnsupportedAudio
from tests.audio.signals import pcm, tone, voice
from tests.readings import call, reading
from training.labels.mistakes import encoded

READERS = ("train_grace", "train_atkins", "lj")
WIDE, NARROW = 16000, 8000


def mislabeled(content: bytes, encoding: Encoding, rate: int) -> str | None:
    """What the recording is taken for; None for what its label says."""
    try:
        require_as_labeled(content, RecordingFormat(encoding, rate))
    except UnsupportedAudio as error:
        return str(error.found) if error.code == "audio_mislabeled" else error.code
    return None


def samples(waveform: Waveform) -> Pcm:
    return pcm(waveform.samples)


@pytest.mark.parametrize("reader", READERS)
def test_speech_of_its_label_is_taken(reader: str) -> None:
    wide, narrow = samples(reading(reader)), samples(call(reader))
    assert mislabeled(wide.tobytes(), Encoding.PCM_S16LE, WIDE) is None
    assert mislabeled(narrow.tobytes(), Encoding.PCM_S16LE, NARROW) is None
    for law in (Encoding.ALAW, Encoding.MULAW):
        assert mislabeled(encoded(narrow, law).tobytes(), law, NARROW) is None


@pytest.mark.parametrize("reader", READERS)
def test_speech_of_another_rate_is_refused(reader: str) -> None:
    for waveform, rate in ((reading(reader), NARROW), (call(reader), WIDE)):
        found = mislabeled(samples(waveform).tobytes(), Encoding.PCM_S16LE, rate)
        assert found == "another sampling rate"


@pytest.mark.parametrize("reader", READERS)
def test_the_laws_of_g711_are_told_apart(reader: str) -> None:
    narrow = samples(call(reader))
    for law, other in ((Encoding.ALAW, Encoding.MULAW), (Encoding.MULAW, Encoding.ALAW)):
        assert mislabeled(encoded(narrow, law).tobytes(), other, NARROW) == "the other law of G.711"


@pytest.mark.parametrize("reader", READERS)
def test_bytes_of_another_width_or_order_are_refused(reader: str) -> None:
    narrow = samples(call(reader))
    assert mislabeled(narrow.byteswap().tobytes(), Encoding.PCM_S16LE, NARROW)
    assert mislabeled(narrow.tobytes(), Encoding.MULAW, NARROW)
    assert mislabeled(encoded(narrow, Encoding.MULAW).tobytes(), Encoding.PCM_S16LE, NARROW)


def doubled(one: Pcm) -> Pcm:
    return one


def silent(one: Pcm) -> Pcm:
    return np.zeros_like(one)


def another(one: Pcm) -> Pcm:
    return np.resize(samples(reading("lj")), one.shape)


@pytest.mark.parametrize("second", [doubled, silent, another])
def test_interleaved_channels_are_refused(second: Callable[[Pcm], Pcm]) -> None:
    one = samples(reading())
    both = np.stack([one, second(one)], axis=1)
    assert "interleaved" in str(mislabeled(both.tobytes(), Encoding.PCM_S16LE, WIDE))


@pytest.mark.parametrize("signal", [np.zeros(9), np.ones(9), tone(440.0), voice(8000), np.array([1.0, -1.0] * 99)])
def test_any_signal_has_an_answer(signal: np.ndarray) -> None:
    assert is_interleaved(signal.astype(np.float32)) in {True, False}


@pytest.mark.parametrize(
    ("beginning", "file"),
    [
        (b"RIFF\x00\x00\x00\x00WAVE", "WAV"),
        (b"fLaC", "FLAC"),
        (b"OggS", "Ogg"),
        (b"ID3\x04", "a file behind an ID3 tag"),
    ],
)
def test_a_file_is_not_taken_for_bare_samples(beginning: bytes, file: str) -> None:
    assert mislabeled(beginning + bytes(16000), Encoding.MULAW, NARROW) == file
