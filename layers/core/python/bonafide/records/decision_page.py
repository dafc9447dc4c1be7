"""Pages of decisions, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bonafide.biometrics.decision import Decision
from bonafide.records.decision import DecisionRecord


@dataclass(frozen=True, slots=True, order=True)
class DecisionPosition:
    """Position of a decision in the order of time.

    Attributes:
        decided_at: when it was decided.
        decision_id: tells decisions of one moment apart.
    """

    decided_at: datetime
    decision_id: str


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Selection of a domain's decisions.

    Attributes:
        begin: earliest time, inclusive.
        end: latest time, exclusive.
        speaker: claimed speaker; None selects all.
        decision: result of the judgement; None selects all.
    """

    begin: datetime
    end: datetime
    speaker: str | None = None
    decision: Decision | None = None

    @property
    def is_filtered(self) -> bool:
        """Tells whether more than the time decides."""
        return self.speaker is not None or self.decision is not None

    def selects(self, record: DecisionRecord) -> bool:
        """Tells whether a decision is selected."""
        return (
            self.begin <= record.decided_at < self.end
            and self.speaker in {None, record.speaker}
            and self.decision in {None, record.judgement.decision}
        )


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """Decisions, the newest first; `after` is the position that the next page follows, None on the last page."""

    decisions: Sequence[DecisionRecord]
    after: DecisionPosition | None
