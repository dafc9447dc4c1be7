"""Brakes."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from bonafide.contracts.base import Answer, Request
from bonafide.records.brake import BrakeRecord

MAX_REASON_CHARACTERS = 200
# Printable, and more than blanks: the reason appears in logs and on terminals.
REASON = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$"

type BrakeReason = Annotated[str, StringConstraints(max_length=MAX_REASON_CHARACTERS, pattern=REASON)]


class BrakeRequest(Request):
    """Sets a brake."""

    reason: BrakeReason = Field(description="Why, for the audit trail. Holds references, never personal data.")


class BrakeChange(Answer):
    """One change of a brake."""

    version: int = Field(description="Number of the change, from 1.")
    on: bool
    reason: str | None
    changed_by: str | None = Field(description="Verified identity of who made it; null where requests are not signed.")
    changed_at: AwareDatetime | None


class Brake(Answer):
    """A brake: while it is on, no decision is better than STEP_UP."""

    domain: str | None = Field(description="Whose brake it is; null for the brake of the stage.")
    on: bool
    since: AwareDatetime | None = Field(description="Since when it is so; null while it was never set.")
    reason: str | None = Field(description="Of the newest change.")
    changed_by: str | None = Field(description="Verified identity of who made the newest change.")
    changes: list[BrakeChange] = Field(description="The newest 20 changes, the newest first. All are stored for good.")


def brake_view(record: BrakeRecord, changes: Sequence[BrakeRecord]) -> Brake:
    """Returns the view of a brake and of its newest changes."""
    return Brake(
        domain=record.domain,
        on=record.on,
        since=record.since,
        reason=record.reason,
        changed_by=record.changed_by,
        changes=[_change(each) for each in changes],
    )


def _change(record: BrakeRecord) -> BrakeChange:
    return BrakeChange(
        version=record.version,
        on=record.on,
        reason=record.reason,
        changed_by=record.changed_by,
        changed_at=record.changed_at,
    )
