"""Kinds of files as refusals name them."""

import pytest

from bonafide.audio.decode import decode
from bonafide.audio.files import FILES, named
from bonafide.errors import UnsupportedAudio

BEGINNINGS = {
    **FILES,
    b"\x00\x00\x00\x20ftypM4A ": "MP4",
    b"\xff\xfb\x90\x64": "MP3 or AAC, by its first bytes",
    b' {"content"': "text",
    b"\x01\x02\x03\x04": "no known kind of file",
    b"\xff": "no known kind of file",
}


@pytest.mark.parametrize(("beginning", "name"), BEGINNINGS.items(), ids=str)
def test_what_a_recording_is_instead_of_wav_or_flac_is_named(beginning: bytes, name: str) -> None:
    assert named(beginning) == name
    for encoding, own in (("wav", {"WAV"}), ("flac", {"FLAC"})):
        with pytest.raises(UnsupportedAudio) as refused:
            decode(beginning + bytes(100), encoding=encoding)
        if name not in own and len(beginning) > 1:
            assert refused.value.found == name
