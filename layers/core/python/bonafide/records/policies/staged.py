"""Policies that are staged: judged beside the active one, and without effect on any answer."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from bonafide.biometrics.case import Case
from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration
from bonafide.records import Stored, StoredForm, times
from bonafide.records.policies.stored import read_policy, written_policy

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class StagedJudgement:
    """Decision that a staged policy would have made.

    Attributes:
        staged_version: of that policy.
        decision: action that it would have taken.
        reasons: the decisive one first.
    """

    staged_version: int
    decision: Decision
    reasons: tuple[Reason, ...]

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "staged_version": self.staged_version,
            "decision": str(self.decision),
            "reasons": [str(reason) for reason in self.reasons],
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form."""
        reasons = tuple(Reason(name) for name in document["reasons"] if name in Reason)
        return cls(document["staged_version"], Decision(document["decision"]), reasons)


@dataclass(frozen=True, slots=True)
class StagedPolicy:
    """A policy that is staged; never changed.

    Attributes:
        staged_version: rises with every policy that is staged in the domain; numbers may be left out.
        policy: as a whole.
        base_version: of the policy that was active when it was staged; only over that one it may become active.
        reason: as given.
        staged_by: verified identity of who staged it; None where requests are not signed.
        staged_at: time of that.
    """

    staged_version: int
    policy: Policy
    base_version: int
    reason: str
    staged_by: str | None
    staged_at: datetime

    def judged(self, case: Case, calibration: Calibration) -> StagedJudgement:
        """Judges a case, as the active policy does."""
        judgement = judge(case, self.policy, calibration)
        return StagedJudgement(self.staged_version, judgement.decision, judgement.reasons)

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "staged_version": self.staged_version,
            "policy": written_policy(self.policy),
            "base_version": self.base_version,
            "reason": self.reason,
            "staged_by": self.staged_by,
            "staged_at": self.staged_at.isoformat(),
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form."""
        return cls(
            staged_version=document["staged_version"],
            policy=read_policy(document["policy"]),
            base_version=document["base_version"],
            reason=document["reason"],
            staged_by=document["staged_by"],
            staged_at=datetime.fromisoformat(document["staged_at"]),
        )


@dataclass(frozen=True, slots=True)
class Staging:
    """The policy of a domain that is staged, as one change left it; by name only, that none was staged yet.

    Attributes:
        domain: whose it is.
        version: counts the changes, 0 before the first; a policy that is staged is named by that of its change.
        domain_created_at: of the domain that it is for, not of another one that is made later under the name.
        changed_at: time of the change.
        staged: None if none is.
    """

    domain: str
    version: int = 0
    domain_created_at: datetime | None = None
    changed_at: datetime | None = None
    staged: StagedPolicy | None = None

    def next(self, created_at: datetime, changed_at: datetime, staged: StagedPolicy | None) -> Self:
        """Returns the following version, of the domain that was made at `created_at`."""
        return replace(
            self, version=self.version + 1, domain_created_at=created_at, changed_at=changed_at, staged=staged
        )

    def of_domain_made(self, created_at: datetime) -> StagedPolicy | None:
        """Returns the staged policy, unless it is of an earlier domain of the name."""
        return self.staged if self.domain_created_at == created_at else None

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "schema": SCHEMA,
            "version": self.version,
            "domain_created_at": times.written(self.domain_created_at),
            "changed_at": times.written(self.changed_at),
            "staged": self.staged.to_document() if self.staged else None,
        }

    @classmethod
    def from_document(cls, domain: str, document: Stored) -> Self:
        """Reads a stored form."""
        staged = document["staged"]
        return cls(
            domain,
            document["version"],
            times.read(document["domain_created_at"]),
            times.read(document["changed_at"]),
            StagedPolicy.from_document(staged) if staged else None,
        )
