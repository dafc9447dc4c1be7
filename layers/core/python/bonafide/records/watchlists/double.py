"""Pairs of speakers who were enrolled with one voice."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from bonafide.records import Stored, StoredForm

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class DoubleEnrollmentPair:
    """Two speakers with one voice, as far as can be told.

    Attributes:
        speakers: both, in order of their names.
        expected: pairs of different people in the domain that are expected to be so much alike.
    """

    speakers: tuple[str, str]
    expected: float


@dataclass(frozen=True, slots=True)
class DoubleEnrollmentReport:
    """Result of one search among the enrolled speakers of a domain; the next one replaces it.

    Attributes:
        domain: that was searched.
        since: when the domain was created.
        at: when the search ended.
        pairs: the surest first.
        compared: speakers that were compared with each other.
        complete: whether that were all.
    """

    domain: str
    since: datetime
    at: datetime
    pairs: tuple[DoubleEnrollmentPair, ...]
    compared: int
    complete: bool

    def of(self, speaker: str) -> tuple[DoubleEnrollmentPair, ...]:
        """Returns the pairs that name a speaker."""
        return tuple(each for each in self.pairs if speaker in each.speakers)

    def without(self, speaker: str) -> Self:
        """Returns the report without what names a speaker."""
        return replace(self, pairs=tuple(each for each in self.pairs if speaker not in each.speakers))

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {
            "schema": SCHEMA,
            "domain": self.domain,
            "since": self.since.isoformat(),
            "at": self.at.isoformat(),
            "pairs": [{"speakers": list(each.speakers), "expected": each.expected} for each in self.pairs],
            "compared": self.compared,
            "complete": self.complete,
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form."""
        return cls(
            domain=document["domain"],
            since=datetime.fromisoformat(document["since"]),
            at=datetime.fromisoformat(document["at"]),
            pairs=tuple(
                DoubleEnrollmentPair((each["speakers"][0], each["speakers"][1]), each["expected"])
                for each in document["pairs"]
            ),
            compared=document["compared"],
            complete=document["complete"],
        )
