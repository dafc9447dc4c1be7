"""Drift in memory, in its stored form."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bonafide.biometrics.drift import DriftBaseline
from bonafide.ports.stores import VersionConflict
from bonafide.records.drift import DriftWindow, read_baseline, written_baseline


class MemoryDriftStore:
    """`DriftStore` in memory."""

    def __init__(self) -> None:
        self._baselines: dict[str, Any] = {}
        self._windows: dict[tuple[str, datetime], Any] = {}

    def baseline(self, domain: str) -> DriftBaseline | None:
        """See `DriftStore`."""
        return read_baseline(self._baselines[domain]) if domain in self._baselines else None

    def put_baseline(self, domain: str, baseline: DriftBaseline) -> None:
        """See `DriftStore`."""
        stored = self.baseline(domain)
        if (stored.version if stored else 0) != baseline.version - 1:
            raise VersionConflict
        self._baselines[domain] = json.loads(json.dumps(written_baseline(baseline)))

    def put_window(self, window: DriftWindow, expires_at: datetime) -> None:  # noqa: ARG002, nothing expires here
        """See `DriftStore`."""
        self._windows[window.domain, window.end] = json.loads(json.dumps(window.to_document()))

    def windows(self, domain: str, begin: datetime, limit: int) -> Sequence[DriftWindow]:
        """See `DriftStore`."""
        ends = sorted(end for name, end in self._windows if name == domain and end >= begin)
        return [DriftWindow.from_document(self._windows[domain, end]) for end in ends[-limit:]]
