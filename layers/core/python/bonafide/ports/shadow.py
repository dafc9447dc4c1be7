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
    """A recording that waits for the shadow.

    Attributes:
        domain: of the decision.
        decision_id: of the decision.
        put_at: when it was put there.
    """

    domain: str
    decision_id: str
    put_at: datetime


class ShadowAudio(Protocol):
    """Recordings that wait for the shadow."""

    def put(self, domain: str, decision_id: str, content: bytes) -> None:
        """Writes a recording."""

    def waiting(self, limit: int) -> Sequence[WaitingAudio]:
        """Lists recordings, in any order."""

    def read(self, waiting: WaitingAudio) -> bytes | None:
        """Reads a recording; None if it is gone."""

    def delete(self, waiting: WaitingAudio) -> None:
        """Deletes a recording, if it is there."""


class ShadowResults(Protocol):
    """Results by domain."""

    def put(self, result: ShadowResult, expires_at: datetime) -> None:
        """Writes a result; one on the same decision is replaced."""

    def results(self, domain: str, begin: datetime, limit: int) -> Sequence[ShadowResult]:
        """Reads the newest results on decisions made at or after `begin`, the oldest of them first."""
