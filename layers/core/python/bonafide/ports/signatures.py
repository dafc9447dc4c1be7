"""Signatures of calibrations and of parts of days, and keyed hashes of references to callers."""

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


class PartSignatures(Protocol):
    """Signs digests of parts of a ledger's day: only who seals can go on from what it has read before."""

    def sign(self, place: str, digest: str) -> str:
        """Signs a digest for a place.

        Raises:
            StoreUnavailable: the key did not answer.
        """

    def is_genuine(self, place: str, digest: str, signature: str) -> bool:
        """Tells whether `sign` made a signature for just that.

        Raises:
            StoreUnavailable: the key did not answer.
        """


class CallerHashes(Protocol):
    """Keyed hashes of references to callers: whoever has the tables alone cannot try all telephone numbers."""

    def known(self, domain: str, caller: str) -> str | None:
        """Returns the hash of a reference as `hashed`, but makes no secret: None as long as the domain has none.

        Raises:
            StoreUnavailable: the secret could not be read.
        """

    def hashed(self, domain: str, caller: str) -> str:
        """Returns the hash of a reference under the secret of a domain that exists: 32 hexadecimal digits.

        Raises:
            StoreUnavailable: the secret could not be read.
        """
