"""Kinds of files as refusals name them."""

import base64

import numpy as np
import pytest
from G722 import G722  # type: ignore[import-not-found]

from bonafide.audio.decode import ENCODINGS, decode
from bonafide.audio.encoding import BARE
from bonafide.audio.formats import ogg
from bonafide.audio.formats.kinds import FILES, TAKEN, container, named, without_tags
from bonafide.audio.g711 import ALAW, MULAW
from bonafide.errors import UnsupportedAudio
from tests.audio.signals import pcm, tone
from tests.audio.wav_writer import wav

RATE = 8000
ID3 = b"ID3\x03\x00\x00\x00\x00\x00\x05hello"
# Frames without sound: their headers are those of real ones.
LAYER_3 = (b"\xff\xfb\x90\x64" + bytes(413)) * 20
LAYER_2 = (b"\xff\xfd\x84\x04" + bytes(380)) * 20
ADTS = (b"\xff\xf1\x60\x40\x20\x3f\xfc" + bytes(250)) * 40
GSM = b"".join(bytes([0xD0 | value % 16, *(value * each % 251 for each in range(1, 33))]) for value in range(200))
KINDS = {
    **{magic + bytes(5000): name for magic, name in FILES.items()},
    b"\x00\x00\x00\x20ftypM4A " + bytes(5000): "MP4",
    b"\x1f\x8b\x08\x08" + bytes(5000): "gzip",
    b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm" + bytes(5000): "WebM",
    ogg.stream([(0, [b"OpusHead" + bytes(20)]), (0, [bytes(4000)])]): "Opus in Ogg",
    ogg.stream([(0, [b"\x7fFLAC" + bytes(20)]), (0, [bytes(4000)])]): "FLAC in Ogg",
    ogg.stream([(0, [b"\x01vorbis" + bytes(20)]), (0, [bytes(4000)])]): "Vorbis in Ogg",
    LAYER_3: "MP3",
    LAYER_2: "MPEG audio layer 2",
    ADTS: "AAC",
    ID3 + LAYER_3: "MP3 behind an ID3 tag",
    ID3 + b"fLaC" + bytes(5000): "FLAC behind an ID3 tag",
    GSM: "GSM 06.10",
    b"\x47" * 188 * 30: "MPEG transport stream",
    base64.b64encode(bytes(range(256)) * 20): "text",
    b'{"content": "UklGRiQA"}' * 300: "text",
}


@pytest.mark.parametrize("content", KINDS, ids=list(KINDS.values()))
def test_a_file_is_named_and_is_bare_samples_under_no_label(content: bytes) -> None:
    assert named(content) == KINDS[content]
    for encoding in BARE:
        with pytest.raises(UnsupportedAudio) as refused:
            decode(content, encoding=encoding, rate=16000)
        assert (refused.value.code, refused.value.found) == ("audio_mislabeled", KINDS[content])


# Encodings under which a file is looked into further.
TAKEN_AS = {
    "WAV": {"wav"},
    "FLAC": {"flac"},
    "MP3": {"mp3"},
    "Opus": {"opus"},
    "WebM": {"opus"},
    "Matroska": {"opus"},
    "Ogg": {"opus", "flac"},
}


@pytest.mark.parametrize("content", KINDS, ids=list(KINDS.values()))
def test_a_file_under_another_label_is_refused_with_what_it_is_and_what_is_taken(content: bytes) -> None:
    into = set().union(*(each for name, each in TAKEN_AS.items() if name in KINDS[content].split()))
    for encoding in set(ENCODINGS) - BARE - into:
        with pytest.raises(UnsupportedAudio) as refused:
            decode(content, encoding=encoding)
        assert (refused.value.found, refused.value.limit) == (KINDS[content], TAKEN)


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        (b"\xff\xfb\x90\x64", "MP3 or AAC, by its first bytes"),
        (b' {"content"', "text"),
        (b"\x01\x02\x03\x04", "no known kind of file"),
        (b"\xff", "no known kind of file"),
    ],
)
def test_what_too_few_bytes_may_be_is_named_and_may_be_samples_as_well(beginning: bytes, name: str) -> None:
    assert named(beginning) == name
    assert container(beginning) is None


def test_samples_of_any_label_are_no_file() -> None:
    sound = pcm(tone(440, RATE, 2.0))
    codes = [
        np.array([np.abs(table.astype(int) - each).argmin() for each in sound[:4000]], np.uint8)
        for table in (ALAW, MULAW)
    ]
    quiet = [bytes(8000), *(bytes([code]) * 8000 for code in (0x55, 0xD5, 0x7F, 0xFF, 0xD4, 0x54))]
    noise = [np.random.default_rng(seed).bytes(8000) for seed in range(50)]
    spoken = [sound.tobytes(), *(each.tobytes() for each in codes), bytes(G722(16000, 64000).encode(sound))]
    assert {container(each) for each in [*quiet, *noise, *spoken]} == {None}


def test_tags_in_front_of_a_file_are_left_out() -> None:
    sound = wav(pcm(tone(440)))
    assert without_tags(ID3 + ID3 + sound) == sound == without_tags(sound)
    assert without_tags(ID3[:10]) == b""
