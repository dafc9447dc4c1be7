"""Selections of decisions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DecisionQuery:
    """Selection of a domain's decisions; what is not given selects all.

    Attributes:
        begin: earliest time, inclusive, ISO 8601 with its offset; 30 days before the end if it is not given.
        end: latest time, exclusive; now if it is not given.
        speaker: claimed speaker.
        decision: result of the judgement, such as ACCEPT.
        limit: decisions a page, at most 100.
    """

    begin: str | None = None
    end: str | None = None
    speaker: str | None = None
    decision: str | None = None
    limit: int | None = None

    def parameters(self) -> dict[str, str | int]:
        """Returns the parameters of the query that are given."""
        known = {
            "from": self.begin,
            "to": self.end,
            "speaker": self.speaker,
            "decision": self.decision,
            "limit": self.limit,
        }
        return {name: value for name, value in known.items() if value is not None}


ALL_DECISIONS = DecisionQuery()
