"""Calibrations of domains: which are in use, and the changes that led there."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from bonafide.biometrics.domain_calibration import DomainCalibration
from bonafide.records import Stored, StoredForm

SCHEMA = 1
# Share of the speakers that a canary judges.
CANARY_SHARE = 0.1


class CalibrationState(StrEnum):
    """States of a calibration of a domain, in their order."""

    CANARY = "CANARY"
    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"


class CalibrationAction(StrEnum):
    """Changes of the calibrations of a domain."""

    PROPOSED = "PROPOSED"
    PROMOTED = "PROMOTED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class SignedCalibration:
    """One version of a domain's calibration; never changed.

    Attributes:
        version: counts the proposals of the domain, from 1.
        domain_created_at: of the domain that it is for, not of another one that is made later under the name.
        document: the calibration, as `DomainCalibration.to_document` writes it.
        created_by: verified identity of who proposed it; None where requests are not signed.
        created_at: time of the proposal.
        signature: over everything above.
    """

    version: int
    domain_created_at: datetime
    document: Stored
    created_by: str | None
    created_at: datetime
    signature: str = ""

    @property
    def calibration(self) -> DomainCalibration:
        """The calibration; the document has to be one."""
        return DomainCalibration.parse(self.document)

    @property
    def content_digest(self) -> str:
        """SHA-256 of everything that is signed, hex."""
        content = {name: value for name, value in self.to_document().items() if name != "signature"}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "version": self.version,
            "domain_created_at": self.domain_created_at.isoformat(),
            "document": dict(self.document),
            "created_by": self.created_by,
            "created_at": self.created_at.isoformat(),
            "signature": self.signature,
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form."""
        return cls(
            version=document["version"],
            domain_created_at=datetime.fromisoformat(document["domain_created_at"]),
            document=document["document"],
            created_by=document["created_by"],
            created_at=datetime.fromisoformat(document["created_at"]),
            signature=document["signature"],
        )


@dataclass(frozen=True, slots=True)
class CalibrationChange:
    """One change.

    Attributes:
        action: what was done.
        calibration: version of the calibration that it was done to.
        reason: as the operator gave it.
        changed_by: verified identity of who did it; None where requests are not signed.
        changed_at: time of the change.
    """

    action: CalibrationAction
    calibration: int
    reason: str
    changed_by: str | None
    changed_at: datetime

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "action": self.action,
            "calibration": self.calibration,
            "reason": self.reason,
            "changed_by": self.changed_by,
            "changed_at": self.changed_at.isoformat(),
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form."""
        return cls(
            action=CalibrationAction(document["action"]),
            calibration=document["calibration"],
            reason=document["reason"],
            changed_by=document["changed_by"],
            changed_at=datetime.fromisoformat(document["changed_at"]),
        )


@dataclass(frozen=True, slots=True)
class CalibrationsRecord:
    """The calibrations of a domain that are in use, as one change left them; by name only, that none was proposed yet.

    Attributes:
        domain: whose they are.
        version: counts the changes, 0 before the first.
        proposed: counts the proposals.
        canary: judges a share of the speakers; None if there is none.
        active: judges the others; None if the bundle's calibration does.
        canary_share: share of the speakers.
        change: the change; None before the first.
    """

    domain: str
    version: int = 0
    proposed: int = 0
    canary: SignedCalibration | None = None
    active: SignedCalibration | None = None
    canary_share: float = CANARY_SHARE
    change: CalibrationChange | None = None

    def next(self, change: CalibrationChange, **changes: Any) -> Self:
        """Returns the record after a change."""
        return replace(self, version=self.version + 1, change=change, **changes)

    def state(self, version: int) -> CalibrationState:
        """Returns the state of a calibration that was proposed."""
        if self.canary and self.canary.version == version:
            return CalibrationState.CANARY
        if self.active and self.active.version == version:
            return CalibrationState.ACTIVE
        return CalibrationState.REVOKED

    def in_use(self, speaker: str) -> SignedCalibration | None:
        """Returns the calibration that judges a speaker, always the same one; None for that of the bundle."""
        if self.canary and _share_of(self.domain, self.canary.version, speaker) < self.canary_share:
            return self.canary
        return self.active

    def of_domain_made(self, created_at: datetime) -> Self:
        """Leaves out the calibrations of an earlier domain of the name."""

        def kept(signed: SignedCalibration | None) -> SignedCalibration | None:
            return signed if signed and signed.domain_created_at == created_at else None

        return replace(self, canary=kept(self.canary), active=kept(self.active))

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "schema": SCHEMA,
            "version": self.version,
            "proposed": self.proposed,
            "canary": self.canary.to_document() if self.canary else None,
            "active": self.active.to_document() if self.active else None,
            "canary_share": self.canary_share,
            "change": self.change.to_document() if self.change else None,
        }

    @classmethod
    def from_document(cls, domain: str, document: Stored) -> Self:
        """Reads a stored form."""
        change = document["change"]
        return cls(
            domain=domain,
            version=document["version"],
            proposed=document["proposed"],
            canary=_signed(document["canary"]),
            active=_signed(document["active"]),
            canary_share=document["canary_share"],
            change=CalibrationChange.from_document(change) if change else None,
        )


def _signed(document: Stored | None) -> SignedCalibration | None:
    return SignedCalibration.from_document(document) if document else None


def _share_of(domain: str, version: int, speaker: str) -> float:
    """Draws a number in [0, 1) that is the speaker's for this version; another version meets other speakers first."""
    drawn = hashlib.sha256(f"{domain}\n{version}\n{speaker}".encode()).digest()
    return int.from_bytes(drawn[:8]) / 2.0**64
