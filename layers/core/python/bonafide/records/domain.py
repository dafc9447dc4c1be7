"""Domains."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from bonafide.access.operations import Role
from bonafide.access.principal import NOBODY, Principals
from bonafide.access.quota import Quota
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.presentation.attempts import Attempts
from bonafide.errors import InvalidInput, Subject
from bonafide.records import Stored, StoredForm, known
from bonafide.records.calibration import CalibrationsRecord
from bonafide.records.policies.staged import StagedPolicy
from bonafide.records.policies.stored import read_policy, written_policy

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
        replay_days: a recording that is used again within so many days is noticed; 0 keeps and compares none.
        shadow_audio: whether a share of the audio of authentications may wait up to an hour for the shadow.
        erased_decisions: what becomes of decisions when their speaker or the domain is deleted.
        voiceprint_days: a speaker whose voiceprint was not used for so long is deleted.
    """

    decision_days: int = 365
    keep_audio: bool = False
    shadow_audio: bool = False
    replay_days: int = 30
    erased_decisions: ErasedDecisions = ErasedDecisions.UNLINK
    voiceprint_days: int = 1095


# What a request may change: policy, retention, principals and quota.
type Settings = tuple[Policy, Retention, Principals | None, Quota | None]


@dataclass(frozen=True, slots=True)
class WantedSettings:
    """Settings as a request states them.

    Attributes:
        policy: None leaves it as it is, or makes the default one in a new domain.
        retention: the same.
        principals: of the roles that the request states; None leaves them as they are.
        keeps: settings of the policy that stay as they are, since the request has a policy that does not state them, as
            requests of clients that were written before there were these settings.
        keeps_expiry: the same for the days after which unused voiceprints expire, of the retention.
        quota: None takes away the one that the domain has, if `changes_quota`.
        changes_quota: whether the request says anything of the quota; else it stays as it is.
        reason: for the history; None if none was given.
    """

    policy: Policy | None = None
    retention: Retention | None = None
    principals: Principals | None = None
    keeps: Collection[str] = ()
    keeps_expiry: bool = False
    quota: Quota | None = None
    changes_quota: bool = False
    reason: str | None = None

    def over(self, current: "DomainRecord | None") -> "Settings":
        """Returns the settings that the request leads to, from those of the domain, if there is one.

        Raises:
            InvalidInput: the principals would lock somebody out who may not be meant.
        """
        policy = self.policy or (current.policy if current else Policy())
        if current:
            policy = replace(policy, **{name: getattr(current.policy, name) for name in self.keeps})
        retention = self.retention or (current.retention if current else Retention())
        if self.keeps_expiry and current:
            retention = replace(retention, voiceprint_days=current.retention.voiceprint_days)
        former = current.principals if current else None
        principals = former if self.principals is None else _bound(self.principals, former or NOBODY)
        quota = self.quota if self.changes_quota or not current else current.quota
        return policy, retention, principals, quota


@dataclass(frozen=True, slots=True)
class DomainRecord:
    """One domain.

    Attributes:
        created_at: also tells a domain from its predecessor of the same name, whose versions began at 1 too.
        policy_version: counts the changes of `policy`.
        version: optimistic version of the record, 0 when it was never written.
        quota: of requests that begin work on audio; None for that of the stage, if there is one.
        principals: who has which role in the domain; None for one that the first release made, until they are set.
        staged: policy that is staged, as it was read together with the domain; None for none, or if read without.
        calibrations: as they were read together with the domain, None where it was read without; stored by themselves.
        attempts: counters as they were read together with the domain, in the order they were asked for; None where they
            could not be read.
    """

    domain: str
    policy: Policy
    retention: Retention
    created_at: datetime
    updated_at: datetime
    policy_version: int = 1
    version: int = 0
    state: DomainState = DomainState.OPEN
    principals: Principals | None = None
    quota: Quota | None = None
    staged: StagedPolicy | None = field(default=None, compare=False)
    calibrations: CalibrationsRecord | None = field(default=None, compare=False)
    attempts: tuple[Attempts, ...] | None = field(default=(), compare=False)

    @property
    def settings(self) -> "Settings":
        """Settings, of which every version is kept."""
        return self.policy, self.retention, self.principals, self.quota

    @property
    def revision(self) -> str:
        """Name of this version, apart from those of domains that had the name before."""
        return f"{self.created_at.timestamp():.6f}-{self.version}"

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
            "policy": written_policy(self.policy),
            "retention": asdict(self.retention),
            "policy_version": self.policy_version,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "version": self.version,
            "deleting": not self.is_open,
            "tentative": self.state is DomainState.EMPTYING,
            **({"principals": self.principals.to_document()} if self.principals else {}),
            **({"quota": self.quota.to_document()} if self.quota else {}),
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
            principals=Principals.from_document(document["principals"]) if "principals" in document else None,
            quota=Quota(**known(Quota, document["quota"])) if "quota" in document else None,
        )


def _bound(wanted: Principals, former: Principals) -> Principals:
    """Returns the principals that a request leads to, for all roles.

    Raises:
        InvalidInput: nobody would be administrator, or a role that has principals is left out.
    """
    if not wanted.patterns.get(Role.ADMINISTRATOR):
        raise InvalidInput(
            "administrator_missing",
            "A domain has at least one administrator; name one.",
            subject=Subject.ADMINISTRATOR,
            limit="1 principal or more",
        )
    if lost := [role for role, patterns in former.patterns.items() if patterns and role not in wanted.patterns]:
        raise InvalidInput(
            "role_left_out",
            "Principals are written as a whole, and this role has some; name them, or an empty list to remove them.",
            subject=f"{Subject.PRINCIPALS}.{lost[0]}",
        )
    return Principals({role: tuple(wanted.patterns.get(role, ())) for role in Role})


def _retention(document: Stored) -> Retention:
    stored = known(Retention, document)
    return Retention(**stored | {"erased_decisions": ErasedDecisions(stored.get("erased_decisions", "unlink"))})


def _state(document: Stored) -> DomainState:
    if not document["deleting"]:
        return DomainState.OPEN
    # The first release stored no "tentative".
    return DomainState.EMPTYING if document.get("tentative", False) else DomainState.DELETING
