import numpy as np
import pytest
from numpy.typing import NDArray

from bonafide.audio.resample import resample
from bonafide.audio.waveform import Waveform
from layers.model.filterbank import HALF_WIDTH, halfway_kernel
from layers.model.reference import kaldi_features
from tests.layers.model.conftest import Session
from tests.readings import call, lasting, reading


def _fast(session: Session, waveform: Waveform) -> NDArray[np.float32]:
    embedding: NDArray[np.float32] = session.run(
        None, {"samples": waveform.samples, "rate": np.array(waveform.rate, np.int64)}
    )[0]
    return embedding


def _plain(session: Session, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    embedding: NDArray[np.float32] = session.run(None, {"features": kaldi_features(samples)[None]})[0][0]
    return embedding / np.linalg.norm(embedding)


@pytest.mark.parametrize("seconds", [0.25, 0.5, 1.0, 2.01, 2.03, 5.0, 10.0, 21.0])
def test_the_fast_graph_agrees_with_the_network_as_published(fast: Session, plain: Session, seconds: float) -> None:
    waveform = lasting(reading(), seconds)
    assert _fast(fast, waveform) @ _plain(plain, waveform.samples) > 0.9999


@pytest.mark.parametrize("reader", ["train_atkins", "train_dotrice", "train_kennard"])
def test_it_agrees_for_other_voices(fast: Session, plain: Session, reader: str) -> None:
    waveform = reading(reader)
    assert _fast(fast, waveform) @ _plain(plain, waveform.samples) > 0.9999


def test_telephone_speech_is_embedded_as_if_it_had_been_resampled_before(fast: Session, plain: Session) -> None:
    samples = call().samples
    doubled = np.repeat(samples, 2)
    doubled[1::2] = np.convolve(np.pad(samples, (HALF_WIDTH - 1, HALF_WIDTH)), halfway_kernel(), "valid")
    assert _fast(fast, call()) @ _plain(plain, doubled) > 0.9999


def test_another_resampler_leaves_the_same_voice(fast: Session, plain: Session) -> None:
    doubled = resample(call().samples, 8000, 16000)
    assert _fast(fast, call()) @ _plain(plain, doubled) > 0.95


def test_embeddings_have_unit_length(fast: Session) -> None:
    assert np.linalg.norm(_fast(fast, reading())) == pytest.approx(1.0, abs=1e-5)


def test_the_length_is_that_of_the_embedding_before_it_is_a_unit_vector(fast: Session, plain: Session) -> None:
    waveform = reading()
    length = fast.run(["length"], {"samples": waveform.samples, "rate": np.array(waveform.rate)})[0]
    before = plain.run(None, {"features": kaldi_features(waveform.samples)[None]})[0][0]
    assert float(length) == pytest.approx(float(np.linalg.norm(before)), rel=1e-2)


def test_a_voice_is_closer_to_itself_than_to_another(fast: Session) -> None:
    first, second, other = (
        _fast(fast, reading(*who)) for who in (("train_grace", 1), ("train_grace", 2), ("train_atkins", 1))
    )
    assert first @ second > first @ other + 0.2


def test_loudness_does_not_matter(fast: Session) -> None:
    waveform = reading()
    quiet = Waveform(waveform.samples * np.float32(0.25), waveform.rate)
    assert _fast(fast, waveform) @ _fast(fast, quiet) > 0.99
