"""The list of decisions that are worth a look."""

import re
from datetime import UTC, datetime

from pydantic import AwareDatetime, Field

from bonafide.contracts.base import Answer
from bonafide.contracts.cursors import from_cursor, to_cursor
from bonafide.contracts.decisions import LedgerEntry, ledger_entry
from bonafide.services.outcomes import Review, ReviewPage, ReviewPosition

# Microseconds since 1970, whether it is labeled, two numbers as `services.outcomes` rounds them, and an identifier.
NUMBER = r"-?\d\.\d{9}e[+-]\d{2}"
POSITION = rf"\d{{1,17}}\|[01]\|{NUMBER}\|{NUMBER}\|[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}"
MICROSECONDS = 1_000_000


class DecisionToReview(Answer):
    """A decision with what is to be expected of it."""

    decision: LedgerEntry
    expected_cost: float = Field(
        description="Of its error, in the costs of its policy: of a false accept for ACCEPT, of a false reject for "
        "REJECT, 0 for others."
    )
    impostor_probability: float = Field(
        description="That another human called, by the evidence and the policy's priors."
    )
    spoof_probability: float = Field(description="That the voice was a synthetic copy of the speaker's.")


class ReviewList(Answer):
    """One page of decisions that are worth a look: those without an outcome first, then by cost and probabilities."""

    reviews: list[DecisionToReview]
    looked_at: int = Field(
        description="Number of decisions that the list chooses from, the newest ones: 1,000 at most."
    )
    begin: AwareDatetime | None = Field(
        description="Time of the oldest of them: older ones are listed with it as `to`."
    )
    end: AwareDatetime = Field(description="Time before which they were made; it stays while pages are read.")
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last one.")


def review_list(page: ReviewPage, end: datetime) -> ReviewList:
    """Returns the view of a page."""
    return ReviewList(
        reviews=[_review(each) for each in page.reviews],
        looked_at=page.looked_at,
        begin=page.begin,
        end=end,
        next_cursor=to_cursor(_written(page.after, end)) if page.after else None,
    )


def review_position(cursor: str | None) -> tuple[datetime, ReviewPosition] | None:
    """Returns the end of the range and the position that a cursor stands for; None for the first page.

    Raises:
        InvalidInput: the cursor is not one that was issued.
    """
    text = from_cursor(cursor, _is_position)
    return _read(text) if text else None


def _review(review: Review) -> DecisionToReview:
    return DecisionToReview(
        decision=ledger_entry(review.record),
        expected_cost=review.worth.expected_cost,
        impostor_probability=review.worth.impostor,
        spoof_probability=review.worth.spoof,
    )


def _written(after: ReviewPosition, end: datetime) -> str:
    at = round(end.timestamp() * MICROSECONDS)
    return f"{at}|{after.is_labeled:d}|{after.cost:.9e}|{after.attack:.9e}|{after.decision_id}"


def _read(text: str) -> tuple[datetime, ReviewPosition]:
    at, is_labeled, cost, attack, decision_id = text.split("|")
    seconds, rest = divmod(int(at), MICROSECONDS)
    end = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
    return end, ReviewPosition(is_labeled == "1", float(cost), float(attack), decision_id)


def _is_position(text: str) -> bool:
    return re.fullmatch(POSITION, text) is not None
