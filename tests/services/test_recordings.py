"""Recordings that are kept, with the format that they were sent in."""

import pytest

from bonafide.adapters.memory.audio import MemoryAudioStore
from bonafide.audio.encoding import Encoding, RecordingFormat
from bonafide.services.shared.recordings import FORMER_ENCODINGS, Recordings


@pytest.mark.parametrize("encoding", Encoding)
def test_a_kept_recording_is_read_by_its_format_and_the_release_before_reads_its_metadata(encoding: Encoding) -> None:
    store, form = MemoryAudioStore(), RecordingFormat(encoding, 16000, 0)
    Recordings(store).keep("acme", "ann", "one", b"sound", form)
    assert Recordings(store).kept("acme", "ann", "one") == (b"sound", form)
    found = store.kept("kept/acme/ann/one")
    assert found is not None
    assert found[1]["encoding"] in FORMER_ENCODINGS
