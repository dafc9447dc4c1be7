"""Promotions of model versions, aliases, and their history."""

from collections.abc import Sequence
from typing import Self

from pydantic import AwareDatetime, Field, model_validator

from bonafide.contracts.base import Answer, Request
from bonafide.contracts.cursors import to_cursor
from bonafide.contracts.registry.versions import FOR_HISTORY, Digest, HistoryText
from bonafide.records.promotion import (
    AliasesRecord,
    PromotionKind,
    PromotionRecord,
    PromotionState,
    RegistryAction,
    RegistryEntry,
)
from bonafide.services.models.promotions import PromotionReport, PromotionWish


class PromotionRequest(Request):
    """Asks for a promotion of a version, for a rollback to the champion before, or for another challenger."""

    kind: PromotionKind
    version: Digest | None = Field(None, alias="digest", description="Of the version; not for a rollback.")
    reason: HistoryText = Field(description=FOR_HISTORY)
    override: HistoryText | None = Field(
        None, description=f"Why `promote` or `rollback` moves to a version that is refused otherwise. {FOR_HISTORY}"
    )

    @model_validator(mode="after")
    def _fits_the_kind(self) -> Self:
        if (self.version is None) != (self.kind is PromotionKind.ROLLBACK):
            raise ValueError("promote and challenge need a digest, rollback takes none")
        if self.override is not None and self.kind is PromotionKind.CHALLENGE:
            raise ValueError("challenge takes no override")
        return self

    def to_wish(self) -> PromotionWish:
        """Returns the request as services take it."""
        return PromotionWish(self.kind, self.version, self.reason, self.override)


class PromotionResult(Request):
    """Reports what the release pipeline made of a promotion."""

    succeeded: bool
    release: HistoryText = Field(description="The release that was deployed, or that was taken back.")
    detail: HistoryText = Field(description=f"What happened. {FOR_HISTORY}")

    def to_report(self, principal: str | None) -> PromotionReport:
        """Returns the request as services take it."""
        return PromotionReport(self.succeeded, self.release, self.detail, principal)


class Promotion(Answer):
    """A request to move an alias, with its outcome."""

    id: str
    kind: PromotionKind
    state: PromotionState
    digest: str
    former: str | None = Field(description="What the alias named when it was asked for.")
    reason: str
    override: str | None
    requested_by: str | None = Field(description="Verified identity; null where requests are not signed.")
    requested_at: AwareDatetime
    release: str | None
    detail: str | None
    completed_by: str | None
    completed_at: AwareDatetime | None


class ModelAliases(Answer):
    """The versions that the aliases name."""

    sequence: int = Field(description="Number of the newest entry of the history.")
    champion: str | None
    challenger: str | None
    previous: str | None = Field(description="What a rollback makes champion again.")
    pending: Promotion | None = Field(description="The promotion whose outcome is awaited.")


class HistoryEntry(Answer):
    """One entry of the history."""

    sequence: int
    action: RegistryAction
    at: AwareDatetime
    digest: str
    reason: str
    principal: str | None = Field(description="Verified identity; null where requests are not signed.")
    former: str | None
    override: str | None
    promotion: str | None = Field(description="Id of the promotion that this is the outcome of.")
    release: str | None


class HistoryPage(Answer):
    """One page of the history, the newest entry first."""

    entries: list[HistoryEntry]
    next_cursor: str | None


def aliases_view(record: AliasesRecord, pending: PromotionRecord | None) -> ModelAliases:
    """Returns the view of the aliases."""
    return ModelAliases(
        sequence=record.sequence,
        champion=record.champion,
        challenger=record.challenger,
        previous=record.previous,
        pending=promotion_view(pending) if pending else None,
    )


def promotion_view(record: PromotionRecord) -> Promotion:
    """Returns the view of a promotion."""
    request, outcome = record.request, record.outcome
    return Promotion(
        id=str(record.sequence),
        kind=record.kind,
        state=record.state,
        digest=request.digest,
        former=request.former,
        reason=request.reason,
        override=request.override,
        requested_by=request.principal,
        requested_at=request.at,
        release=outcome.release if outcome else None,
        detail=outcome.reason if outcome and outcome is not request else None,
        completed_by=outcome.principal if outcome else None,
        completed_at=outcome.at if outcome else None,
    )


def history_page(entries: Sequence[RegistryEntry]) -> HistoryPage:
    """Returns the view of a page; the entry of sequence 1 is the last."""
    following = to_cursor(str(entries[-1].sequence)) if entries and entries[-1].sequence > 1 else None
    return HistoryPage(entries=[_entry(each) for each in entries], next_cursor=following)


def _entry(entry: RegistryEntry) -> HistoryEntry:
    return HistoryEntry(
        sequence=entry.sequence,
        action=entry.action,
        at=entry.at,
        digest=entry.digest,
        reason=entry.reason,
        principal=entry.principal,
        former=entry.former,
        override=entry.override,
        promotion=None if entry.promotion is None else str(entry.promotion),
        release=entry.release,
    )
