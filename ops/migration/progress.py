"""Progress of a migration, and how many speakers of a domain have a voiceprint in which space."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from bonafide.biometrics.policy import Policy
from bonafide.records.speaker import SpeakerSummary

WIDTH = 40


@dataclass(frozen=True, slots=True)
class SpaceCount:
    """Speakers with voiceprints, by space.

    Attributes:
        newest: the space that the deployed bundle embeds in.
        complete: speakers with a complete voiceprint in it.
        begun: speakers whose voiceprint in it does not hold enough speech yet.
        beside: of those that are complete, speakers with a former voiceprint, too.
        former: speakers without one in it.
    """

    newest: str
    complete: int
    begun: int
    beside: int
    former: int

    @classmethod
    def of(cls, speakers: Iterable[SpeakerSummary], newest: str, policy: Policy) -> Self:
        """Counts the speakers of a domain who have a voiceprint."""
        counts: Counter[str] = Counter()
        for each in speakers:
            enough = min(policy.minimum_enrolment_seconds, each.speech_seconds)
            if not each.speech_seconds:
                continue
            held = each.spaces.get(newest, 0.0)
            state = "complete" if held >= enough else "begun" if held else "former"
            counts[state] += 1
            counts["beside"] += state == "complete" and len(each.spaces) > 1
        return cls(newest, counts["complete"], counts["begun"], counts["beside"], counts["former"])

    def __str__(self) -> str:
        total = self.complete + self.begun + self.former
        share = self.complete / total if total else 1.0
        bar = "#" * round(WIDTH * share)
        rows: Mapping[str, int] = {
            f"complete in {self.newest}": self.complete,
            "  of them with a former voiceprint beside, until `complete`": self.beside,
            "begun, served in a former space": self.begun,
            "only in a former space": self.former,
        }
        return "\n".join([f"[{bar:{WIDTH}}] {share:.1%} of {total}", *(f"{n:6} {what}" for what, n in rows.items())])


def show_progress(number: int, outcome: str) -> None:
    """Shows on stderr how many speakers were looked at; in place on a terminal, else every hundredth."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{number} speakers, the last: {outcome:.60}\x1b[K")
    elif number % 100 == 0:
        sys.stderr.write(f"{number} speakers\n")
    sys.stderr.flush()
