"""Counters of failed attempts in memory."""

import threading
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bonafide.biometrics.presentation.attempts import Attempts, Failure
from bonafide.records.history.attempt_reset import AttemptReset


class MemoryAttemptStore:
    """`AttemptStore` in memory. Nothing expires here: a failure that could expire decides nothing any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[tuple[str, str], Attempts] = {}
        self._resets: dict[tuple[str, str], list[AttemptReset]] = {}
        self.uses: dict[tuple[str, str], datetime] = {}

    def attempts(self, domain: str, counter: str) -> Attempts:
        """Reads a counter, for the store of domains."""
        with self._lock:
            return self._counters.get((domain, counter), Attempts())

    def count(self, domain: str, counters: Sequence[str], failure: Failure, expires_at: datetime) -> None:  # noqa: ARG002
        """See `AttemptStore`."""
        with self._lock:
            for counter in counters:
                known = self._counters.get((domain, counter), Attempts())
                self._counters[domain, counter] = replace(known, failures=known.failures | {failure})

    def remove(self, domain: str, counters: Sequence[str], failures: Collection[Failure]) -> None:
        """See `AttemptStore`."""
        with self._lock:
            for counter in counters:
                known = self._counters.get((domain, counter), Attempts())
                self._counters[domain, counter] = replace(known, failures=known.failures - set(failures))

    def reset(self, record: AttemptReset, expires_at: datetime) -> None:  # noqa: ARG002
        """See `AttemptStore`."""
        key = record.domain, record.counter
        with self._lock:
            self._resets.setdefault(key, []).append(record)
            self._counters[key] = replace(self._counters.get(key, Attempts()), reset_at=record.at)

    def resets(self, domain: str, counter: str, limit: int) -> Sequence[AttemptReset]:
        """See `AttemptStore`."""
        with self._lock:
            return self._resets.get((domain, counter), [])[::-1][:limit]

    def use(self, domain: str, speaker: str, at: datetime) -> None:
        """See `AttemptStore`."""
        self.uses[domain, f"speaker#{speaker}"] = at

    def forget(self, domain: str, counter: str | None) -> int:
        """See `AttemptStore`."""
        with self._lock:
            kept: Sequence[dict[Any, Any]] = (self._counters, self._resets, self.uses)
            found = [(each, key) for each in kept for key in each if key[0] == domain and counter in (None, key[1])]
            for each, key in found:
                each.pop(key)
        return len(found)
