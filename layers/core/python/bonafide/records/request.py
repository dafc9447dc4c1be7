"""Requests, as far as services need to know them."""

from dataclasses import dataclass

from bonafide.audio.encoding import RecordingFormat

MAX_AUDIO_BYTES = 12 * 1024 * 1024  # 60 s of two channels at 48 kHz in PCM-16, and its header
UPLOAD_SECONDS = 900


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Identity of a request and of its sender.

    Attributes:
        key: Idempotency-Key, if one was sent.
        body_digest: SHA-256 of the request's body in its canonical form, hex; empty without a key.
        request_id: assigned by the API; None outside of a request.
        principal: verified identity of the sender (an IAM ARN); None where the API verifies none.
    """

    key: str | None
    body_digest: str
    request_id: str | None = None
    principal: str | None = None


@dataclass(frozen=True, slots=True)
class SubmittedAudio:
    """A recording as it was sent: inline, or as the name of an upload.

    Attributes:
        text: bytes of the recording in base64; None for an upload.
        upload: name of the upload; None when it is inline.
        format: of the recording.
    """

    text: str | None
    upload: str | None
    format: RecordingFormat
