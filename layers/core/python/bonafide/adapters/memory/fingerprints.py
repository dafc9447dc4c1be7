"""Fingerprints in memory."""

from collections.abc import Callable, Sequence
from datetime import datetime

from bonafide.ports.fingerprints import HeardRecording, UseKind
from bonafide.records.times import utc_now

type Place = tuple[str, str, str]


class MemoryFingerprintStore:
    """`FingerprintStore` in memory."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._recordings: dict[Place, HeardRecording] = {}
        self._claims: dict[tuple[str, str], HeardRecording] = {}

    def claim(self, recording: HeardRecording) -> bool:
        """See `FingerprintStore`."""
        key = recording.domain, recording.audio
        known = self._claims.get(key)
        if known and known.name != recording.name and not self._is_over(known):
            return True
        self._claims[key] = recording
        return False

    def put(self, recording: HeardRecording) -> None:
        """See `FingerprintStore`."""
        self._recordings[_place(recording)] = recording

    def heard(self, domain: str, speaker: str, limit: int) -> Sequence[HeardRecording]:
        """See `FingerprintStore`."""
        own = [each for place, each in self._recordings.items() if place[:2] == (domain, speaker)]
        kept = [each for each in own if not self._is_over(each)]
        return sorted(kept, key=lambda each: (each.kind is UseKind.ENROLLMENT, each.at, each.name), reverse=True)[
            :limit
        ]

    def forget(self, recording: HeardRecording) -> None:
        """See `FingerprintStore`."""
        self._recordings.pop(_place(recording), None)
        claim = self._claims.get((recording.domain, recording.audio))
        if claim and claim.name == recording.name:
            del self._claims[recording.domain, recording.audio]

    def forget_speaker(self, domain: str, speaker: str) -> int:
        """See `FingerprintStore`."""
        found = [each for place, each in self._recordings.items() if place[:2] == (domain, speaker)]
        for each in found:
            self.forget(each)
        return len(found)

    def forget_claims(self, domain: str) -> int:
        """See `FingerprintStore`."""
        found = [key for key in self._claims if key[0] == domain]
        for key in found:
            del self._claims[key]
        return len(found)

    def _is_over(self, recording: HeardRecording) -> bool:
        return recording.expires_at is not None and recording.expires_at <= self._clock()


def _place(recording: HeardRecording) -> Place:
    return recording.domain, recording.speaker, recording.name
