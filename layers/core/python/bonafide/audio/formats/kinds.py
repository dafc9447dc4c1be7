"""Kinds of files, by how they begin."""

import numpy as np

from bonafide.audio.formats import mpeg
from bonafide.audio.refusal import refuse
from bonafide.errors import UnsupportedAudio

# What is taken, as `encoding` names it.
TAKEN = "wav, flac, mp3, opus in Ogg, WebM or Matroska, or bare pcm_s16le, alaw, mulaw or g722"

# By their first four bytes; bare samples that begin so are taken for a file that was labeled wrong.
FILES = {
    b"RIFF": "WAV",
    b"RIFX": "WAV",
    b"RF64": "WAV",
    b"BW64": "WAV",
    b"riff": "Wave64",
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"FORM": "AIFF",
    b".snd": "AU",
    b"dns.": "AU",
    b"caff": "CAF",
    b"#!AM": "AMR",
    b"#!SI": "SILK",
    b"\x1aE\xdf\xa3": "Matroska",
    b"0&\xb2u": "WMA",
    b"wvpk": "WavPack",
    b"MAC ": "Monkey's Audio",
    b"FLV\x01": "FLV",
    b"PK\x03\x04": "ZIP",
}
# What else a file begins with, and where that is.
_PARTS = ((4, b"ftyp", "MP4"), (0, b"\x1f\x8b\x08", "gzip"))
# The first packet of a stream in Ogg, behind the header of its page.
_IN_OGG = {b"\x7fFLAC": "FLAC in Ogg", b"Opus": "Opus in Ogg", b"\x01vorbis": "Vorbis in Ogg", b"Speex": "Speex in Ogg"}
_OGG_HEADER = 28
# Frames of GSM 06.10 are of 33 bytes, each of which begins with these four bits; the shortest audio has 24 frames.
_GSM_BYTES, _GSM_MARK, _GSM_FRAMES = 33, 0xD0, 24
# As many bytes that are all letters, digits and the like, and as many different ones, are no samples: those of speech
# have both signs, and those of silence few values.
_TEXT, _LETTERS = 512, 16
_PRINTABLE = frozenset(b"\t\n\r" + bytes(range(0x20, 0x7F)))
_TAG_HEAD, _TAG_FOOTER, _MOST_TAGS = 10, 0x10, 4
_TS_PACKET, _TS_PACKETS = 188, 8


def without_tags(content: bytes) -> bytes:
    """Returns a file without the ID3v2 tags in front of it, of which a file has one, and seldom two."""
    at = 0
    for _ in range(_MOST_TAGS):
        head = content[at : at + _TAG_HEAD]
        if len(head) < _TAG_HEAD or head[:3] != b"ID3":
            break
        size = int("".join(f"{each & 0x7F:07b}" for each in head[6:]), 2)
        at += _TAG_HEAD + size + (_TAG_HEAD if head[5] & _TAG_FOOTER else 0)
    return content[at:] if at else content


def container(content: bytes) -> str | None:
    """Names the file or codec that a recording is for sure; None if it may well be bare samples."""
    if content.startswith(b"ID3"):
        behind = _kind(without_tags(content))
        return f"{behind} behind an ID3 tag" if behind else "a file behind an ID3 tag"
    return _kind(content)


def _kind(content: bytes) -> str | None:
    for at, mark, name in _PARTS:
        if content[at : at + len(mark)] == mark:
            return name
    found = FILES.get(bytes(content[:4]))
    return _inside(content, found) if found else _by_frames(content)


def _inside(content: bytes, found: str) -> str:
    """Names the codec in an Ogg file, and tells WebM from its superset."""
    if found == "Ogg":
        first = bytes(content[_OGG_HEADER : _OGG_HEADER + 8])
        return next((name for mark, name in _IN_OGG.items() if first.startswith(mark)), found)
    if found == "Matroska" and b"webm" in content[:64]:
        return "WebM"
    return found


def _by_frames(content: bytes) -> str | None:
    """Names what has no beginning of its own."""
    if len(content) >= _GSM_BYTES * _GSM_FRAMES and _marked(content, 0) == 1.0 and _marked(content, 1) < 0.5:
        return "GSM 06.10"
    if len(content) >= _TS_PACKET * _TS_PACKETS and set(content[: _TS_PACKET * _TS_PACKETS : _TS_PACKET]) == {0x47}:
        return "MPEG transport stream"
    letters = set(content[:_TEXT])
    if len(content) >= _TEXT and letters <= _PRINTABLE and len(letters) >= _LETTERS:
        return "text"
    return mpeg.name(content)


def _marked(content: bytes, place: int) -> float:
    """Returns the share of frames with the mark of GSM at one byte; silence in A-law has it at every one."""
    marks = np.frombuffer(content, np.uint8)[place::_GSM_BYTES]
    return float(np.mean(marks & 0xF0 == _GSM_MARK))


def named(content: bytes) -> str:
    """Names what a recording is, as far as its beginning tells, for a person who sent another kind than was stated."""
    if found := container(content):
        return found
    if mpeg.may_begin(content):
        return "MP3 or AAC, by its first bytes"
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"<"):
        return "text"
    return "no known kind of file"


def other(kind: str, content: bytes) -> UnsupportedAudio:
    """Makes the refusal of a file of another kind than was stated, which says of what kind it is."""
    return refuse("audio_malformed", f"The content is not {kind}.", limit=TAKEN, found=named(content))
