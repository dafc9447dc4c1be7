"""Parts of request bodies."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from typing import Any

# The service takes more only as an upload.
MAX_INLINE_CHARACTERS = 5 * 1024 * 1024


def audio(
    content: bytes, encoding: str | None = None, *, sample_rate: int | None = None, channel: int | None = None
) -> dict[str, Any]:
    """Returns a recording inside a request.

    Args:
        content: of a file, or bare samples.
        encoding: wav, flac, mp3, opus, pcm_s16le, alaw, mulaw or g722; the service takes it for wav if it is not given.
        sample_rate: samples a second; bare samples only.
        channel: which one holds the caller, from 0; needed if there are several.
    """
    return {"content": in_base64(content), **described(encoding, sample_rate, channel)}


def described(encoding: str | None, sample_rate: int | None = None, channel: int | None = None) -> dict[str, Any]:
    """Returns how audio is encoded, without what is not known."""
    named = {"encoding": encoding, "sample_rate": sample_rate, "channel": channel}
    return {name: value for name, value in named.items() if value is not None}


def fits_inline(content: bytes) -> bool:
    """Returns whether a recording may be sent inside a request."""
    return len(content) * 4 <= (MAX_INLINE_CHARACTERS - 4) * 3


def in_base64(content: bytes) -> str:
    """Returns bytes as base64 text."""
    return base64.b64encode(content).decode()


def consent(
    receipt_id: str,
    given_at: datetime | None = None,
    *,
    purpose: str | None = None,
    notice_version: str | None = None,
    expires_at: datetime | None = None,
) -> dict[str, Any]:
    """Returns a consent receipt.

    Args:
        receipt_id: your reference to the recorded consent.
        given_at: with its time zone; a minute ago if it is not given, since the clocks of two machines differ.
        purpose: your name of what it was given for.
        notice_version: of the notice that the person was shown.
        expires_at: with its time zone; from then on the voiceprint is not used. None for consent until it is withdrawn.
    """
    given = given_at or datetime.now(timezone.utc) - timedelta(minutes=1)
    stated = {
        "purpose": purpose,
        "notice_version": notice_version,
        "expires_at": expires_at.isoformat() if expires_at else None,
    }
    known = {name: value for name, value in stated.items() if value is not None}
    return {"receipt_id": receipt_id, "given_at": given.isoformat(), **known}
