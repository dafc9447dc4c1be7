"""Kinds of files, by how they begin."""

# By their first four bytes; bare samples that begin so are taken for a file that was labeled wrong.
FILES = {
    b"RIFF": "WAV",
    b"RIFX": "WAV",
    b"RF64": "WAV",
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"ID3\x02": "MP3",
    b"ID3\x03": "MP3",
    b"ID3\x04": "MP3",
    b"FORM": "AIFF",
    b".snd": "AU",
    b"caff": "CAF",
    b"#!AM": "AMR",
    b"\x1aE\xdf\xa3": "Matroska",
    b"\x1f\x8b\x08\x00": "gzip",
}
# The first 11 bits of a frame of MPEG audio, which samples have by chance, too.
MPEG = 0xFFE0


def named(content: bytes) -> str:
    """Names what a recording is, as far as its beginning tells, for a person who sent another kind than was stated."""
    if found := FILES.get(bytes(content[:4])):
        return found
    if content[4:8] == b"ftyp":
        return "MP4"
    if int.from_bytes(content[:2]) & MPEG == MPEG and len(content) > 1:
        return "MP3 or AAC, by its first bytes"
    if content.lstrip()[:1] in (b"{", b"<"):
        return "text"
    return "no known kind of file"
