"""Contributions to a voiceprint, as their history tells them: no audio, no embedding."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.liveness import LivenessState
from bonafide.records import Stored, StoredForm, times

# Contributions that are part of a voiceprint, and others, of which the newest are kept in the history.
REMEMBERED = 32


@dataclass(frozen=True, slots=True)
class ContributionRecord:
    """One recording that was sent to be added to a voiceprint, and was not refused.

    Attributes:
        name: identifier of the effect of its request.
        at: when it was taken.
        speech_seconds: net speech in it.
        channel: its band.
        spaces: embedding spaces of the voiceprints that it was added to; empty where all of them held it before.
        liveness: calibrated LLR, above 0 favors bona fide speech; None when it was not detected.
        liveness_state: name of the LLR by the scale of the models of that time.
        taken_back_at: when it was taken back; None while it was not.
    """

    name: str
    at: datetime
    speech_seconds: float
    channel: Channel
    spaces: tuple[str, ...] = ()
    liveness: float | None = None
    liveness_state: LivenessState | None = None
    taken_back_at: datetime | None = None

    @property
    def is_repeated(self) -> bool:
        """Tells whether the voiceprint held the recording before."""
        return not self.spaces

    @property
    def counts(self) -> bool:
        """Tells whether it is part of the voiceprint."""
        return bool(self.spaces) and self.taken_back_at is None

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "name": self.name,
            "at": self.at.isoformat(),
            "speech_seconds": self.speech_seconds,
            "channel": str(self.channel),
            "spaces": list(self.spaces),
            "liveness": self.liveness,
            "liveness_state": self.liveness_state and str(self.liveness_state),
            "taken_back_at": times.written(self.taken_back_at),
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form."""
        state = document["liveness_state"]
        return cls(
            name=document["name"],
            at=datetime.fromisoformat(document["at"]),
            speech_seconds=document["speech_seconds"],
            channel=Channel(document["channel"]),
            spaces=tuple(document["spaces"]),
            liveness=document["liveness"],
            liveness_state=LivenessState(state) if state else None,
            taken_back_at=times.read(document["taken_back_at"]),
        )


def newest(history: Sequence[ContributionRecord]) -> tuple[ContributionRecord, ...]:
    """Returns what is kept of a history, the oldest first.

    Those that count are kept apart from the others, so that recordings sent again and again push none of them out.
    """
    kept = {each.name for counts in (True, False) for each in [e for e in history if e.counts is counts][-REMEMBERED:]}
    return tuple(each for each in history if each.name in kept)
