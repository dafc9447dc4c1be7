import io
import wave
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.audio.decode import SHORTEST_SECONDS, decode
from bonafide_client import LiveAudio, SourceRecording, UnplayableRecording
from tests.audio.flac_writer import stream as flac


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
    with pytest.raises(UnplayableRecording):
        SourceRecording.read(content, channel)


@given(samples=st.integers(4000, 100_000), piece=st.integers(1, 5000))
def test_live_audio_is_cut_as_its_recording_would_be(samples: int, piece: int) -> None:
    data = bytes(index % 251 for index in range(samples))
    pieces = [data[at : at + piece] for at in range(0, samples, piece)]
    recorded = list(SourceRecording("mulaw", 8000, data).chunks(2.0))
    assert list(LiveAudio("mulaw", 8000, pieces).chunks(2.0)) == recorded


def test_a_chunk_of_live_audio_is_there_before_the_audio_ends() -> None:
    def pieces() -> Iterator[bytes]:
        yield bytes(36_000)
        raise AssertionError("asked for more than was needed")

    assert len(next(LiveAudio("mulaw", 8000, pieces()).chunks(4.0))) == 32_000


@pytest.mark.parametrize("cut", [0, 3, 20, 44, 60])
def test_a_file_that_is_cut_off_is_not_played(cut: int) -> None:
    with pytest.raises(UnplayableRecording):
        SourceRecording.read(wav(1, np.zeros(9000, np.int16))[:cut])


def test_an_encoding_that_sessions_do_not_take_is_named() -> None:
    content = bytearray(wav(1, np.zeros(9000, np.int16)))
    content[20:22] = b"\x03\x00"
    with pytest.raises(UnplayableRecording, match="format 3 of 16 bits"):
        SourceRecording.read(bytes(content))


def test_the_audio_is_not_in_the_text_of_a_recording() -> None:
    assert "data" not in repr(SourceRecording("mulaw", 8000, b"secret"))


def test_of_flac_too_only_the_named_channel_is_sent() -> None:
    left, right = np.arange(9000, dtype=np.int16), -np.arange(9000, dtype=np.int16)
    content = flac(np.stack([left, right], axis=1), 8000)
    assert SourceRecording.read(content, 1) == SourceRecording("pcm_s16le", 8000, right.tobytes())
    with pytest.raises(UnplayableRecording, match="channels"):
        SourceRecording.read(content)


def test_flac_that_is_none_is_not_played() -> None:
    with pytest.raises(UnplayableRecording):
        SourceRecording.read(b"fLaC" + bytes(100))
