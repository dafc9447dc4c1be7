"""Aliases of model versions, and the history that they follow from."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import reduce
from typing import Self

from bonafide.records import Stored, StoredForm, known

# Champions that a chain of rollbacks can go back through.
KEPT_CHAMPIONS = 32


class PromotionKind(StrEnum):
    """Kinds of requests to move an alias."""

    CHALLENGE = "challenge"
    PROMOTE = "promote"
    ROLLBACK = "rollback"


class PromotionState(StrEnum):
    """State of a promotion."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class RegistryAction(StrEnum):
    """Kinds of entries of the history."""

    REGISTERED = "REGISTERED"
    CHALLENGED = "CHALLENGED"
    PROMOTION_REQUESTED = "PROMOTION_REQUESTED"
    PROMOTED = "PROMOTED"
    PROMOTION_FAILED = "PROMOTION_FAILED"
    ROLLBACK_REQUESTED = "ROLLBACK_REQUESTED"
    ROLLED_BACK = "ROLLED_BACK"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"


# By kind: what is recorded of the request, of its success, and of its failure.
STEPS = {
    PromotionKind.CHALLENGE: (RegistryAction.CHALLENGED, RegistryAction.CHALLENGED, RegistryAction.CHALLENGED),
    PromotionKind.PROMOTE: (
        RegistryAction.PROMOTION_REQUESTED,
        RegistryAction.PROMOTED,
        RegistryAction.PROMOTION_FAILED,
    ),
    PromotionKind.ROLLBACK: (
        RegistryAction.ROLLBACK_REQUESTED,
        RegistryAction.ROLLED_BACK,
        RegistryAction.ROLLBACK_FAILED,
    ),
}
REQUESTS = {request: kind for kind, (request, _, _) in STEPS.items()}
SUCCESSES = {success for _, success, _ in STEPS.values()}
FAILURES = {RegistryAction.PROMOTION_FAILED, RegistryAction.ROLLBACK_FAILED}


def is_sequence(text: str) -> bool:
    """Tells whether a text is the number of an entry."""
    return re.fullmatch(r"[1-9][0-9]{0,9}", text) is not None


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """One entry of the history; it is written once.

    Attributes:
        sequence: its place in the history, from 1, without gaps.
        action: what happened.
        at: when.
        digest: of the version that it happened to.
        reason: as it was given.
        principal: verified identity of who did it; None where requests are not signed.
        former: digest of the version that the alias names before; None if it names none.
        override: why the alias moves to a version that would be refused; None for one that is not.
        promotion: sequence of the request that this is the outcome of; None for all that is no outcome.
        release: that the pipeline made of it; None for all that is no outcome.
        request: identifies the request that was made, so that its repetition is recognized.
    """

    sequence: int
    action: RegistryAction
    at: datetime
    digest: str
    reason: str
    principal: str | None = None
    former: str | None = None
    override: str | None = None
    promotion: int | None = None
    release: str | None = None
    request: str | None = None

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return asdict(self) | {"schema": 1, "at": self.at.isoformat()}

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form."""
        own = {"at": datetime.fromisoformat(document["at"]), "action": RegistryAction(document["action"])}
        return cls(**known(cls, document) | own)


@dataclass(frozen=True, slots=True)
class AliasesRecord:
    """The versions that the aliases name: the result of the history, up to one of its entries.

    Attributes:
        sequence: of the newest entry; 0 before the first.
        champions: digests of the champions, the present one last. A rollback takes the last one away.
        challenger: digest that `challenger` names; None for none.
        pending: sequence of the promotion or rollback whose outcome is awaited; None for none.
    """

    sequence: int = 0
    champions: tuple[str, ...] = ()
    challenger: str | None = None
    pending: int | None = None

    @classmethod
    def of(cls, history: Iterable[RegistryEntry]) -> Self:
        """Folds a history, the oldest entry first."""
        return reduce(cls.after, history, cls())

    @property
    def champion(self) -> str | None:
        """Digest that `champion` names; None for none."""
        return self.champions[-1] if self.champions else None

    @property
    def previous(self) -> str | None:
        """Digest that a rollback makes champion again; None if there is nothing to roll back to."""
        return self.champions[-2] if len(self.champions) > 1 else None

    def after(self, entry: RegistryEntry) -> Self:
        """Returns the aliases after one more entry."""
        following = replace(self, sequence=entry.sequence)
        match entry.action:
            case RegistryAction.CHALLENGED:
                return replace(following, challenger=entry.digest)
            case RegistryAction.PROMOTION_REQUESTED | RegistryAction.ROLLBACK_REQUESTED:
                return replace(following, pending=entry.sequence)
            case RegistryAction.PROMOTED:
                return following._led_by((*self.champions, entry.digest)[-KEPT_CHAMPIONS:])
            case RegistryAction.ROLLED_BACK:
                return following._led_by(self.champions[:-1])
            case RegistryAction.PROMOTION_FAILED | RegistryAction.ROLLBACK_FAILED:
                return replace(following, pending=None)
            case RegistryAction.REGISTERED:
                return following

    def _led_by(self, champions: tuple[str, ...]) -> Self:
        """Returns the aliases with other champions: a champion is no challenger of itself."""
        challenger = None if self.challenger in champions[-1:] else self.challenger
        return replace(self, champions=champions, challenger=challenger, pending=None)

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return asdict(self) | {"schema": 1, "champions": list(self.champions)}

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form."""
        return cls(**known(cls, document) | {"champions": tuple(document["champions"])})


@dataclass(frozen=True, slots=True)
class PromotionRecord:
    """A request to move an alias, with its outcome: two entries of the history.

    Attributes:
        request: what was asked for.
        outcome: what came of it; None while it is awaited.
    """

    request: RegistryEntry
    outcome: RegistryEntry | None

    @property
    def sequence(self) -> int:
        """Its name: the sequence of its request."""
        return self.request.sequence

    @property
    def kind(self) -> PromotionKind:
        """Kind of the request."""
        return REQUESTS[self.request.action]

    @property
    def state(self) -> PromotionState:
        """State, which follows from the outcome."""
        if self.outcome is None:
            return PromotionState.PENDING
        return PromotionState.FAILED if self.outcome.action in FAILURES else PromotionState.SUCCEEDED
