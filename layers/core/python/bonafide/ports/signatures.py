"""Signatures of calibrations."""

from typing import Protocol

from bonafide.records.calibration import SignedCalibration


class Signatures(Protocol):
    """Signs calibrations of domains, and tells those that it signed from all others."""

    def sign(self, domain: str, calibration: SignedCalibration) -> str:
        """Signs everything about a calibration but its signature, for one domain.

        Raises:
            StoreUnavailable: the key did not answer.
        """

    def is_genuine(self, domain: str, calibration: SignedCalibration) -> bool:
        """Tells whether the calibration has a signature that `sign` made for just that.

        Raises:
            StoreUnavailable: the key did not answer.
        """
