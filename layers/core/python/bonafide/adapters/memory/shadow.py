"""The shadow's audio and results in memory."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bonafide.ports.shadow import WaitingAudio
from bonafide.records.shadow import ShadowResult


class MemoryShadowAudio:
    """`ShadowAudio` in memory.

    Attributes:
        objects: recordings.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self.objects: dict[WaitingAudio, bytes] = {}

    def put(self, domain: str, decision_id: str, content: bytes, part: str = "") -> None:
        """See `ShadowAudio`."""
        self.objects[WaitingAudio(domain, decision_id, self._clock(), part)] = content

    def waiting(self, limit: int) -> Sequence[WaitingAudio]:
        """See `ShadowAudio`."""
        return list(self.objects)[:limit]

    def read(self, waiting: WaitingAudio) -> bytes | None:
        """See `ShadowAudio`."""
        return self.objects.get(waiting)

    def delete(self, waiting: Sequence[WaitingAudio]) -> None:
        """See `ShadowAudio`."""
        for each in waiting:
            self.objects.pop(each, None)


class MemoryShadowResults:
    """`ShadowResults` in memory."""

    def __init__(self) -> None:
        self._results: dict[tuple[str, str], ShadowResult] = {}

    def put(self, result: ShadowResult, expires_at: datetime) -> None:  # noqa: ARG002, nothing expires here
        """See `ShadowResults`."""
        self._results[result.domain, result.decision_id] = ShadowResult.from_document(result.to_document())

    def results(self, domain: str, begin: datetime, limit: int) -> Sequence[ShadowResult]:
        """See `ShadowResults`."""
        mine = [each for each in self._results.values() if each.domain == domain and each.decided_at >= begin]
        return sorted(mine, key=lambda each: (each.decided_at, each.decision_id))[-limit:]
