"""Store of what is known about drift."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bonafide.biometrics.drift import DriftBaseline
from bonafide.records.drift import DriftWindow


class DriftStore(Protocol):
    """Baselines and windows by domain."""

    def baseline(self, domain: str) -> DriftBaseline | None:
        """Reads the baseline of a domain."""

    def put_baseline(self, domain: str, baseline: DriftBaseline) -> None:
        """Writes a baseline over the one of the version before.

        Raises:
            VersionConflict: another one of that version is stored.
        """

    def put_window(self, window: DriftWindow, expires_at: datetime) -> None:
        """Writes a window; one of the same domain and end is replaced."""

    def windows(self, domain: str, begin: datetime, limit: int) -> Sequence[DriftWindow]:
        """Reads the newest windows that ended at or after `begin`, the oldest of them first."""
