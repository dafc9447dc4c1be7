"""Erasures: reports of what was erased, where, and what expires by itself."""

from datetime import datetime, timedelta

from pydantic import AwareDatetime, Field

from bonafide.contracts.base import Answer
from bonafide.records.domain import ErasedDecisions
from bonafide.records.erasure import Erasure, ErasureKind

# Copies that nobody can delete one by one: records of the stream, batches that Lambda gave up, and backups.
STREAM = timedelta(hours=24)
GIVEN_UP = timedelta(days=2)
BACKUPS = timedelta(days=35)


class ErasedStore(Answer):
    """Erasure in one store."""

    store: str
    erased: int = Field(description="Records, objects or sessions that were deleted or emptied.")


class ExpiringCopy(Answer):
    """Copies that are not read any more, and vanish by themselves."""

    store: str
    expires_at: AwareDatetime = Field(description="By then the last of them is gone.")


class ErasureReport(Answer):
    """Report of an erasure: complete once a pass through all stores found nothing, when nothing could be written."""

    erasure_id: str
    kind: ErasureKind
    domain: str
    speaker: str | None = Field(description="Null for a domain.")
    requested_at: AwareDatetime
    due_at: AwareDatetime = Field(description="By then it is complete, unless a store fails or holds very much.")
    completed_at: AwareDatetime | None = Field(description="Null while it goes on.")
    decisions: ErasedDecisions = Field(description="What became of decisions, as the domain said then.")
    stores: list[ErasedStore]
    expiring: list[ExpiringCopy]


class ErasureList(Answer):
    """Erasures of a domain and its speakers of the last 36 days, the newest first, a hundred at most."""

    erasures: list[ErasureReport]


def erasure_report(erasure: Erasure) -> ErasureReport:
    """Returns the view of an erasure."""
    return ErasureReport(
        erasure_id=erasure.name,
        kind=erasure.kind,
        domain=erasure.domain,
        speaker=erasure.speaker,
        requested_at=erasure.at,
        due_at=erasure.due_at,
        completed_at=erasure.completed_at,
        decisions=erasure.decisions,
        stores=[ErasedStore(store=name, erased=each.erased) for name, each in erasure.stores.items()],
        expiring=_expiring(erasure.at),
    )


def _expiring(at: datetime) -> list[ExpiringCopy]:
    copies = {"audio_stream": STREAM, "given_up_batches": GIVEN_UP, "backups": BACKUPS}
    return [ExpiringCopy(store=name, expires_at=at + kept) for name, kept in copies.items()]
