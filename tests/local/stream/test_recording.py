import io
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.audio.decode import SHORTEST_SECONDS, decode
from local.stream.recording import SourceRecording, UnplayableError


def wav(channels: int, frames: np.ndarray[tuple[int, ...], np.dtype[np.int16]], rate: int = 16000) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(frames.astype("<i2").tobytes())
    return buffer.getvalue()


@given(
    samples=st.integers(4000, 200_000),
    seconds=st.sampled_from([0.5, 1.0, 4.0, 15.0]),
    encoding=st.sampled_from(["pcm_s16le", "alaw", "mulaw"]),
)
def test_the_chunks_are_the_recording_and_each_can_be_taken(samples: int, seconds: float, encoding: str) -> None:
    width = 2 if encoding == "pcm_s16le" else 1
    recording = SourceRecording(encoding, 8000, bytes(samples * width))
    chunks = list(recording.chunks(seconds))
    lengths = [decode(chunk, encoding=encoding, rate=8000).seconds for chunk in chunks]
    assert b"".join(chunks) == recording.data
    assert all(length == seconds for length in lengths[:-1])
    assert SHORTEST_SECONDS <= lengths[-1] < seconds + SHORTEST_SECONDS


def test_telephone_audio_is_sent_as_it_was_recorded() -> None:
    pcm = np.arange(-8000, 8000, dtype=np.int16)
    assert SourceRecording.read(wav(1, pcm, 8000)) == SourceRecording("pcm_s16le", 8000, pcm.tobytes())


def test_of_several_channels_only_the_named_one_is_sent() -> None:
    left, right = np.arange(9000, dtype=np.int16), -np.arange(9000, dtype=np.int16)
    content = wav(2, np.stack([left, right], axis=1))
    assert SourceRecording.read(content, 0).data == left.tobytes()
    assert SourceRecording.read(content, 1).data == right.tobytes()


@pytest.mark.parametrize("channel", [None, 2, -1])
def test_which_of_several_channels_is_never_guessed(channel: int | None) -> None:
    content = wav(2, np.zeros((9000, 2), np.int16))
    with pytest.raises(UnplayableError):
        SourceRecording.read(content, channel)
