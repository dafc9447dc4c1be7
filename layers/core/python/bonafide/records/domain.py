"""Domains."""

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from bonafide.biometrics.policy import Policy
from bonafide.records import Stored, StoredForm, known
from bonafide.records.calibration import CalibrationsRecord

SCHEMA = 1


class DomainState(StrEnum):
    """States of a domain.

    OPEN takes requests. EMPTYING takes none until it is known whether the domain has speakers; a change of its settings
    opens it again. DELETING takes only further deletions.
    """

    OPEN = "OPEN"
    EMPTYING = "EMPTYING"
    DELETING = "DELETING"


class ErasedDecisions(StrEnum):
    """Ways to treat the decisions on a speaker, or of a domain, that is deleted.

    KEEP leaves them until their retention is over. UNLINK takes out of a speaker's decisions all that leads to the
    person; those of a deleted domain, which nobody can read any more, are deleted. ERASE deletes both.
    """

    KEEP = "keep"
    UNLINK = "unlink"
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class Retention:
    """Retention settings of a domain.

    Attributes:
        decision_days: decisions are deleted after this many days.
        keep_audio: whether audio of enrollments and authentications is kept at all.
        shadow_audio: whether a share of the audio of authentications may wait up to an hour for the shadow.
        erased_decisions: what becomes of decisions when their speaker or the domain is deleted.
    """

    decision_days: int
    keep_audio: bool
    shadow_audio: bool = False
    erased_decisions: ErasedDecisions = ErasedDecisions.UNLINK


@dataclass(frozen=True, slots=True)
class DomainRecord:
    """One domain.

    Attributes:
        created_at: also tells a domain from its predecessor of the same name, whose versions began at 1 too.
        policy_version: counts the changes of `policy`.
        version: optimistic version of the record, 0 when it was never written.
        calibrations: as they were read together with the domain, None where it was read without; stored by themselves.
    """

    domain: str
    policy: Policy
    retention: Retention
    created_at: datetime
    updated_at: datetime
    policy_version: int = 1
    version: int = 0
    state: DomainState = DomainState.OPEN
    calibrations: CalibrationsRecord | None = field(default=None, compare=False)

    @property
    def is_open(self) -> bool:
        """Tells whether the domain takes requests."""
        return self.state is DomainState.OPEN

    def is_still_open(self, current: Self | None) -> bool:
        """Tells whether the domain is open as it is stored now, and is not another one that was made under its name."""
        return current is not None and current.is_open and current.created_at == self.created_at

    def next(self, **changes: Any) -> Self:
        """Returns the following version of this record."""
        return replace(self, version=self.version + 1, **changes)

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "schema": SCHEMA,
            "domain": self.domain,
            "policy": asdict(self.policy),
            "retention": asdict(self.retention),
            "policy_version": self.policy_version,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "version": self.version,
            "deleting": not self.is_open,
            "tentative": self.state is DomainState.EMPTYING,
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form of this or an earlier release."""
        return cls(
            domain=document["domain"],
            policy=read_policy(document["policy"]),
            retention=_retention(document["retention"]),
            created_at=datetime.fromisoformat(document["created_at"]),
            updated_at=datetime.fromisoformat(document["updated_at"]),
            policy_version=document["policy_version"],
            version=document["version"],
            state=_state(document),
        )


def read_policy(document: Stored) -> Policy:
    """Reads a stored policy. The first release stored no cost of accepting a spoof: that of an impostor counts."""
    return Policy(**{"spoof_accept_cost": document["false_accept_cost"], **known(Policy, document)})


def _retention(document: Stored) -> Retention:
    stored = known(Retention, document)
    return Retention(**stored | {"erased_decisions": ErasedDecisions(stored.get("erased_decisions", "unlink"))})


def _state(document: Stored) -> DomainState:
    if not document["deleting"]:
        return DomainState.OPEN
    # The first release stored no "tentative".
    return DomainState.EMPTYING if document.get("tentative", False) else DomainState.DELETING
