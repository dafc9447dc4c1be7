"""Calibrations of domains in memory, and signatures by a key that only this process has."""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Sequence

from bonafide.ports.stores import VersionConflict
from bonafide.records.calibration import CalibrationsRecord, SignedCalibration


class MemoryCalibrationStore:
    """`CalibrationStore` in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: dict[str, list[CalibrationsRecord]] = {}

    def calibrations(self, domain: str) -> CalibrationsRecord:
        """See `CalibrationStore`."""
        return next(iter(self.calibration_changes(domain, None, 1)), CalibrationsRecord(domain))

    def put_calibrations(self, record: CalibrationsRecord) -> None:
        """See `CalibrationStore`."""
        with self._lock:
            changes = self._changes.setdefault(record.domain, [])
            if len(changes) != record.version - 1:
                raise VersionConflict
            changes.append(record)

    def calibration_changes(self, domain: str, before: int | None, limit: int) -> Sequence[CalibrationsRecord]:
        """See `CalibrationStore`."""
        with self._lock:
            changes = self._changes.get(domain, [])
            return changes[: len(changes) if before is None else max(before - 1, 0)][::-1][:limit]


class MemorySignatures:
    """`Signatures` by a random key."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def sign(self, domain: str, calibration: SignedCalibration) -> str:
        """See `Signatures`."""
        content = f"{domain}\n{calibration.content_digest}".encode()
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()

    def is_genuine(self, domain: str, calibration: SignedCalibration) -> bool:
        """See `Signatures`."""
        return hmac.compare_digest(self.sign(domain, calibration), calibration.signature)
