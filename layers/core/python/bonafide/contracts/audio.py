"""Recordings inside requests, and uploads."""

import hashlib
from typing import Self

from pydantic import Field, StrictInt, model_validator

from bonafide.audio.encoding import Encoding, RecordingFormat
from bonafide.biometrics.evidence import Quality
from bonafide.contracts.base import MAX_INLINE_CHARACTERS, Answer, Request
from bonafide.records.request import MAX_AUDIO_BYTES, UPLOAD_SECONDS, SubmittedAudio
from bonafide.services.shared.recordings import UploadOffer


class AudioInput(Request):
    """A recording of 0.5 to 60 seconds, of 8 to 48 kHz: inline, or uploaded before.

    `wav` is PCM of 16, 24 or 32 bits, float of 32 or 64 bits, A-law or mu-law, in RIFF, RIFX, RF64 or BW64, also as
    pipes write it; `flac` has 16 to 32 bits, also in Ogg; `opus` is in Ogg, WebM or Matroska; `mp3` is MPEG layer 3.
    The others are bare mono samples: `pcm_s16le`, `alaw` and `mulaw` need `sample_rate`, `g722` is at 64 kbit/s. A file
    under another label, and any other kind of file, is refused by its name.
    """

    content: str | None = Field(
        None,
        max_length=MAX_INLINE_CHARACTERS,
        description="The recording's bytes in base64, line breaks allowed; longer ones are uploaded.",
    )
    upload: str | None = Field(None, max_length=256, description="The `upload` of POST .../uploads, after the PUT.")
    encoding: Encoding = Encoding.WAV
    sample_rate: StrictInt | None = Field(
        None,
        ge=8000,
        le=48000,
        description="Samples a second: needed for pcm_s16le, alaw and mulaw, and otherwise compared.",
    )
    channel: StrictInt | None = Field(None, ge=0, le=7, description="Which channel holds the caller; needed above one.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.content is None) == (self.upload is None):
            raise ValueError("exactly one of content and upload is needed")
        return self

    def to_record(self) -> SubmittedAudio:
        """Returns the recording as services take it."""
        return SubmittedAudio(self.content, self.upload, RecordingFormat(self.encoding, self.sample_rate, self.channel))


class UploadRequest(Request):
    """Announces an upload."""

    content_length: StrictInt | None = Field(
        None,
        ge=1,
        le=MAX_AUDIO_BYTES,
        description="The recording's bytes: the URL takes this many, no more and no fewer. Without it the URL takes "
        "any number, and more than `max_bytes` are refused only when the recording is used.",
    )
    content_type: str | None = Field(
        None,
        max_length=64,
        pattern=r"^(audio|application)/[a-z0-9][a-z0-9.+-]*$",
        description="Type of the recording: the URL takes a PUT with this `Content-Type` only. Without it, any.",
    )

    def digest(self) -> str:
        """Returns the digest of the release before for what that release knew, so that a key still names its upload."""
        known = self.model_dump_json(exclude={"content_type"} if self.content_type is None else None)
        return hashlib.sha256(known.encode()).hexdigest()


class Upload(Answer):
    """A place to PUT a recording to, and its name for later requests."""

    upload: str = Field(description="Name of the upload, for `audio.upload`.")
    url: str = Field(description="Takes one PUT of the recording's bytes.")
    expires_in_seconds: int
    max_bytes: int


class QualityReport(Answer):
    """Measurements on the recording."""

    level_dbfs: float = Field(description="RMS level of the speech, dB relative to full scale.")
    clipped: float = Field(description="Fraction of clipped samples.")
    snr_db: float | None = Field(description="Speech over background, dB.")
    dominant_share: float | None = Field(
        None,
        description="Share of the speech that is of the voice that speaks most. Another voice counts from about a "
        "second on. Null without speech, and for decisions of an earlier release.",
    )


def upload_view(offer: UploadOffer) -> Upload:
    """Returns the view of an upload."""
    return Upload(upload=offer.upload, url=offer.url, expires_in_seconds=UPLOAD_SECONDS, max_bytes=MAX_AUDIO_BYTES)


def quality_report(quality: Quality) -> QualityReport:
    """Returns the view of measurements, rounded."""
    return QualityReport(
        level_dbfs=round(quality.level_dbfs, 1),
        clipped=round(quality.clipped, 4),
        snr_db=None if quality.snr_db is None else round(quality.snr_db, 1),
        dominant_share=None if quality.dominant_share is None else round(quality.dominant_share, 2),
    )
