"""Store of the fingerprints of recordings that were heard, by which one that is used again is found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bonafide.audio.fingerprint import Fingerprint


class UseKind(StrEnum):
    """Uses of a recording."""

    CALL = "call"
    ENROLLMENT = "enrollment"


@dataclass(frozen=True, slots=True, eq=False)
class HeardRecording:
    """A recording that was used for a speaker.

    Attributes:
        speaker: who was enrolled or claimed.
        kind: of the use.
        name: identifier of the effect of the request, so that a repeated request is no second use.
        audio: digest of the samples within this domain; empty where nothing is to be known of equal samples.
        fingerprint: as `thinned` makes it.
        generation: of the speaker, as `lifetime` names it.
        at: time of the use.
        expires_at: from then on it counts no more; None as long as the speaker is enrolled.
        call_id: the contact center's reference to the call.
        brief: whether it held too little speech to decide on, so that the call may go on with the same speech.
    """

    domain: str
    speaker: str
    kind: UseKind
    name: str
    audio: str
    fingerprint: Fingerprint
    generation: str
    at: datetime
    expires_at: datetime | None = None
    call_id: str | None = None
    brief: bool = False


class FingerprintStore(Protocol):
    """Recordings that were heard. Reads see every write that was acknowledged before them."""

    def claim(self, recording: HeardRecording) -> bool:
        """Claims the samples for this use; tells whether they belong to another one in the domain, which keeps them."""

    def put(self, recording: HeardRecording) -> None:
        """Stores a recording."""

    def heard(self, domain: str, speaker: str, limit: int) -> Sequence[HeardRecording]:
        """Reads the recordings of a speaker: contributions first, then calls, the newest first, at most `limit`."""

    def forget(self, recording: HeardRecording) -> None:
        """Deletes one recording, and its claim on the samples."""

    def forget_speaker(self, domain: str, speaker: str) -> int:
        """Deletes all recordings of a speaker, with their claims; returns how many."""

    def forget_claims(self, domain: str) -> int:
        """Deletes what is left of a domain's claims, of speakers known or not; returns how many."""
