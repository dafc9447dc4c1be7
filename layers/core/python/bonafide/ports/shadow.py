"""Ports of the shadow: audio that waits for it, models of the challenger, and a place for results."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bonafide.ports.models import SpeechModels
from bonafide.records.shadow import ShadowResult

# Returns the models of the challenger; None while there is none.
type Challenger = Callable[[], SpeechModels[Any] | None]


@dataclass(frozen=True, slots=True)
class WaitingAudio:
    """A recording, or a chunk of a session, that waits for the shadow.

    Attributes:
        domain: of the decision.
        decision_id: of the decision; a session has none yet when its chunks come, but its name is known.
        put_at: when it was put there.
        part: names a chunk within its session, by its number first; empty for a recording.
    """

    domain: str
    decision_id: str
    put_at: datetime
    part: str = ""

    @property
    def number(self) -> int | None:
        """Place of a chunk in its session, from 0; None of a recording."""
        return int(self.part.partition("-")[0]) if self.part else None


class ShadowAudio(Protocol):
    """Audio that waits for the shadow."""

    def put(self, domain: str, decision_id: str, content: bytes, part: str = "") -> None:
        """Writes a recording, or a part of a session."""

    def waiting(self, limit: int) -> Sequence[WaitingAudio]:
        """Lists up to `limit` objects, in any order."""

    def read(self, waiting: WaitingAudio) -> bytes | None:
        """Reads an object; None if it is gone."""

    def delete(self, waiting: Sequence[WaitingAudio]) -> None:
        """Deletes objects, as far as they are there."""


class ShadowResults(Protocol):
    """Results by domain."""

    def put(self, result: ShadowResult, expires_at: datetime) -> None:
        """Writes a result; one on the same decision is replaced."""

    def results(self, domain: str, begin: datetime, limit: int) -> Sequence[ShadowResult]:
        """Reads the newest results on decisions made at or after `begin`, the oldest of them first."""
