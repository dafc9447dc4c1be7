"""Recordings: read from requests and uploads, kept where a domain wants that."""

import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from uuid import UUID

from bonafide.audio.decode import decode
from bonafide.audio.encoding import Encoding, RecordingFormat
from bonafide.audio.waveform import Waveform
from bonafide.errors import InvalidInput, NotFound, Subject
from bonafide.observability import Timings, stage
from bonafide.ports.audio import AudioStore
from bonafide.records.erasure import ErasureRecord
from bonafide.records.request import MAX_AUDIO_BYTES, UPLOAD_SECONDS, SubmittedAudio

UPLOADS = "uploads"
KEPT = "kept"
USED = "used"
# Encodings that the release before knows.
FORMER_ENCODINGS = frozenset({Encoding.WAV, Encoding.FLAC, Encoding.PCM_S16LE, Encoding.ALAW, Encoding.MULAW})
# Line lengths of MIME and PEM are below this; breaks are looked for no further, since audio is long.
LONGEST_LINE = 80
# A UUID; the release before gave out other names of this length.
UPLOAD_NAME = re.compile(r"[A-Za-z0-9_-]{32}")


@dataclass(frozen=True, slots=True)
class UploadOffer:
    """A place for one recording.

    Attributes:
        upload: name of the upload, to be given instead of inline audio.
        url: takes one PUT of the recording's bytes.
    """

    upload: str
    url: str


class Recordings:
    """Reads audio that was sent inline or uploaded before, and keeps it where a domain wants that."""

    def __init__(self, store: AudioStore) -> None:
        self._store = store

    def offer_upload(
        self, domain: str, identifier: str, length: int | None, media_type: str | None = None
    ) -> UploadOffer:
        """Creates an upload URL for a recording of `length` bytes and a type, if known; only this domain can use it."""
        name = UUID(identifier).hex
        key = _upload_key(domain, name)
        return UploadOffer(name, self._store.presign_upload(key, UPLOAD_SECONDS, length, media_type))

    def content(self, domain: str, speaker: str | None, audio: SubmittedAudio) -> bytes:
        """Returns the bytes of a recording of a speaker, or of nobody who is enrolled.

        Raises:
            InvalidInput: the base64 is malformed.
            NotFound: nothing was uploaded under that name.
        """
        if audio.upload is None:
            return from_base64(audio.text or "")
        content = self._uploaded(domain, audio.upload)
        # By this note an erasure of the speaker finds the upload, whose own name says nothing of whom it is.
        if speaker is not None:
            self._store.keep(f"{USED}/{domain}/{speaker}/{audio.upload}", b"")
        return content

    def forget_uploads(self, domain: str) -> None:
        """Deletes all that was uploaded to a domain, so that another one of its name begins without."""
        for prefix in (UPLOADS, USED):
            self._discard(f"{prefix}/{domain}/")

    def keep(self, domain: str, speaker: str, name: str, content: bytes, form: RecordingFormat) -> None:
        """Keeps a recording, and how to decode it, until its speaker is deleted or opts out."""
        described = {key: str(value) for key, value in asdict(form).items() if value is not None}
        if form.encoding not in FORMER_ENCODINGS:
            # The release before cannot read the name; it skips a recording that is not what it is called.
            described |= {"encoding": Encoding.WAV, "true_encoding": form.encoding}
        self._store.keep(f"{_kept_prefix(domain, speaker)}{name}", content, described)

    def kept(self, domain: str, speaker: str, name: str) -> tuple[bytes, RecordingFormat] | None:
        """Reads a kept recording, with its format; None when there is none.

        Recordings that a release kept without the format are of one that tells its own, or cannot be decoded.
        """
        found = self._store.kept(f"{_kept_prefix(domain, speaker)}{name}")
        return (found[0], _format(*found)) if found else None

    def names(self, domain: str, speaker: str) -> Sequence[str]:
        """Lists what is kept of a speaker."""
        prefix = _kept_prefix(domain, speaker)
        return [key.removeprefix(prefix) for key in self._store.names(prefix)]

    def forget(self, domain: str, speaker: str, name: str) -> None:
        """Deletes one kept recording, if there is one."""
        self._store.discard(f"{_kept_prefix(domain, speaker)}{name}")

    def forget_speaker(self, domain: str, speaker: str) -> int:
        """Deletes all that was kept of a speaker; returns how many recordings."""
        return self._discard(_kept_prefix(domain, speaker))

    def forget_some(self, domain: str) -> int:
        """Deletes some of what was kept in a domain, of known speakers or not; returns how many recordings."""
        return self._store.discard(f"{KEPT}/{domain}/")

    def record_erasure(self, erasure: ErasureRecord) -> None:
        """Keeps an erasure on record, before it happens: a table may be restored to a time before it."""
        self._store.record_erasure(erasure)

    def _discard(self, prefix: str) -> int:
        return sum(iter(partial(self._store.discard, prefix), 0))

    def _uploaded(self, domain: str, name: str) -> bytes:
        # No other name was ever given out, and no path into another domain is one.
        known = UPLOAD_NAME.fullmatch(name)
        content = self._store.fetch(_upload_key(domain, name), MAX_AUDIO_BYTES) if known else None
        if content is None:
            raise NotFound("upload_not_found", "Nothing was uploaded under this name.", subject=Subject.UPLOAD)
        return content


def from_base64(text: str) -> bytes:
    """Decodes base64, with line breaks or without.

    Raises:
        InvalidInput: it is malformed.
    """
    try:
        return binascii.a2b_base64("".join(text.split()) if "\n" in text[:LONGEST_LINE] else text, strict_mode=True)
    except ValueError as error:
        raise InvalidInput(
            "audio_not_base64",
            "The audio is not valid base64.",
            subject=Subject.AUDIO_TEXT,
            limit="RFC 4648 base64",
            found=_instead_of_base64(text),
        ) from error


def _instead_of_base64(text: str) -> str:
    """Says what a text is that is no base64, without a character of it: it may hold audio."""
    if text.startswith("data:"):
        return "a data URI; send what follows its comma"
    if re.fullmatch(r"[A-Za-z0-9_-]+=*", text):
        return "the URL-safe alphabet, or no padding"
    return f"{len(text)} characters"


def to_waveform(content: bytes, form: RecordingFormat, timings: Timings | None = None) -> Waveform:
    """Decodes a recording, and measures how long that takes.

    Raises:
        InvalidInput: the audio is malformed, of an unsupported kind, or contradicts its format.
    """
    with stage("decode", timings):
        return decode(content, encoding=form.encoding, rate=form.sample_rate, channel=form.channel)


def enrollment_audio(contribution: str) -> str:
    """Names the kept recording of a contribution to a voiceprint."""
    return f"enrollments/{contribution}"


def _format(content: bytes, described: Mapping[str, str]) -> RecordingFormat:
    encoding = (
        described.get("true_encoding")
        or described.get("encoding")
        or ("flac" if content.startswith(b"fLaC") else "wav")
    )
    numbers = {name: int(described[name]) for name in ("sample_rate", "channel") if name in described}
    return RecordingFormat.read({"sample_rate": None, "channel": None, **numbers, "encoding": encoding})


def _upload_key(domain: str, name: str) -> str:
    return f"{UPLOADS}/{domain}/{name}"


def _kept_prefix(domain: str, speaker: str) -> str:
    return f"{KEPT}/{domain}/{speaker}/"
