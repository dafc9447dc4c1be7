"""Failed attempts: counted, and reset by an administrator."""

from collections.abc import Sequence
from typing import Self

from pydantic import AwareDatetime, Field, model_validator

from bonafide.biometrics.presentation.attempts import Attempts
from bonafide.contracts.base import Answer, Identifier, Request
from bonafide.contracts.brakes import BrakeReason
from bonafide.records.domain import DomainRecord
from bonafide.records.history.attempt_reset import AttemptReset


class AttemptResetRequest(Request):
    """Resets the failed attempts at a speaker, or those by a caller."""

    speaker: Identifier | None = Field(None, description="At whom the attempts failed.")
    caller: Identifier | None = Field(None, description="Who made them: the `caller` of the call contexts.")
    reason: BrakeReason = Field(description="Why, for the audit trail. Holds references, never personal data.")

    @model_validator(mode="after")
    def _one_counter(self) -> Self:
        if (self.speaker is None) == (self.caller is None):
            raise ValueError("exactly one of speaker and caller is needed")
        return self


class AttemptResetEntry(Answer):
    """One reset."""

    at: AwareDatetime
    reason: str
    reset_by: str | None = Field(description="Verified identity of who made it; null where requests are not signed.")


class FailedAttempts(Answer):
    """Failed attempts at one speaker, or by one caller."""

    failures: int = Field(description="Failed attempts that are known and were not reset; 24 at most.")
    limited_until: AwareDatetime | None = Field(
        description="Until then no decision is better than STEP_UP; a further failed attempt prolongs it."
    )
    resets: list[AttemptResetEntry] = Field(description="The newest 20 resets, the newest first.")


def attempts_view(domain: DomainRecord, counter: Attempts, resets: Sequence[AttemptReset]) -> FailedAttempts:
    """Returns the view of a counter and of its newest resets."""
    return FailedAttempts(
        failures=len(counter.counted()),
        limited_until=counter.limited_until(domain.policy),
        resets=[reset_entry(each) for each in resets],
    )


def reset_entry(reset: AttemptReset) -> AttemptResetEntry:
    """Returns the view of a reset."""
    return AttemptResetEntry(at=reset.at, reason=reset.reason, reset_by=reset.reset_by)
