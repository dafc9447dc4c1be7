"""Seals: the root over a day of a domain's archive, and the root of the day before in it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self

from bonafide.records import StoredForm
from bonafide.records.ledger.entry import ArchivedDecision, canonical, digest_of, end_of
from bonafide.records.ledger.merkle import root_of

SCHEMA = 1
# A day is sealed so long after its end: entries are added to it for an hour, by functions that run for minutes.
SEALED_AFTER = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """One entry as a seal names it.

    Attributes:
        decision_id: names the entry.
        until: when it expires, as its content says.
        digest: SHA-256 of its content.
    """

    decision_id: str
    until: datetime
    digest: str

    @classmethod
    def of(cls, decision_id: str, content: bytes) -> Self:
        """Describes stored content.

        Raises:
            ValueError: it is no entry.
        """
        return cls(decision_id, ArchivedDecision.from_bytes(content).until, digest_of(content))

    def to_list(self) -> list[str]:
        """Returns the stored form."""
        return [self.decision_id, self.until.isoformat(), self.digest]

    @classmethod
    def from_list(cls, stored: Sequence[str]) -> Self:
        """Reads a stored form.

        Raises:
            ValueError: it is none.
        """
        name, until, digest = stored
        return cls(name, datetime.fromisoformat(until), digest)


@dataclass(frozen=True, slots=True)
class FormerSeal:
    """The seal before: its day, its root, and when it expires."""

    day: date
    root: str
    until: datetime

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return {"day": self.day.isoformat(), "root": self.root, "until": self.until.isoformat()}


@dataclass(frozen=True, slots=True)
class KnownRoot:
    """A root as it was published, or kept elsewhere.

    Attributes:
        day: that it seals.
        root: hexadecimal.
        until: when it may be missing; None for never.
    """

    day: date
    root: str
    until: datetime | None = None

    def to_bytes(self, domain: str) -> bytes:
        """Returns the stored form."""
        until = self.until and self.until.astimezone(UTC).isoformat()
        return canonical({"domain": domain, "day": self.day.isoformat(), "root": self.root, "until": until})

    @classmethod
    def from_bytes(cls, domain: str, content: bytes) -> Self:
        """Reads a stored form.

        Raises:
            ValueError: it is none, or of another domain.
        """
        try:
            stored: StoredForm = json.loads(content)
            if stored["domain"] == domain:
                until = datetime.fromisoformat(stored["until"])
                return cls(date.fromisoformat(stored["day"]), str(stored["root"]), until)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("no root of a day") from error
        raise ValueError("root of another domain")


@dataclass(frozen=True, slots=True)
class DaySeal:
    """Seal of one day.

    Attributes:
        domain: of the decisions.
        day: in UTC.
        former: the seal of the last day before that had entries; None of the first.
        entries: ordered by their names.
        root: Merkle tree hash over domain, day and former seal, and the entries.
        least: until when it is kept at least, so that it outlasts what it refused; None in those of earlier releases.
    """

    domain: str
    day: date
    former: FormerSeal | None
    entries: Sequence[SealedEntry]
    root: str
    least: datetime | None = None

    @classmethod
    def make(
        cls,
        domain: str,
        day: date,
        former: "DaySeal | None",
        entries: Sequence[SealedEntry],
        least: datetime | None = None,
    ) -> Self:
        """Seals the entries of a day."""
        before = FormerSeal(former.day, former.root, former.until) if former else None
        ordered = sorted(entries, key=lambda each: each.decision_id)
        return cls(domain, day, before, ordered, _root(domain, day, before, ordered), least)

    @property
    def until(self) -> datetime:
        """Time until which it is kept: at least until its last entry expires."""
        return max([self.least or end_of(self.day), *(each.until for each in self.entries)])

    @property
    def published(self) -> KnownRoot:
        """Its root, to be kept where no seal is."""
        return KnownRoot(self.day, self.root, self.until)

    @property
    def is_consistent(self) -> bool:
        """Tells whether the root is that of the rest."""
        return self.root == _root(self.domain, self.day, self.former, self.entries)

    def to_bytes(self) -> bytes:
        """Returns the stored form."""
        return canonical(
            {
                "schema": SCHEMA,
                "domain": self.domain,
                "day": self.day.isoformat(),
                "former": self.former and self.former.to_document(),
                "entries": [each.to_list() for each in self.entries],
                "root": self.root,
                "least": self.least and self.least.isoformat(),
            }
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Reads a stored form.

        Raises:
            ValueError: it is none.
        """
        try:
            stored: StoredForm = json.loads(content)
            least = stored.get("least")
            former = stored["former"]
            return cls(
                stored["domain"],
                date.fromisoformat(stored["day"]),
                former
                and FormerSeal(
                    date.fromisoformat(former["day"]), former["root"], datetime.fromisoformat(former["until"])
                ),
                [SealedEntry.from_list(each) for each in stored["entries"]],
                stored["root"],
                least and datetime.fromisoformat(least),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("no seal of a day") from error


def is_due(day: date, now: datetime) -> bool:
    """Tells whether a day can be sealed."""
    return now >= end_of(day) + SEALED_AFTER


def _root(domain: str, day: date, former: FormerSeal | None, entries: Sequence[SealedEntry]) -> str:
    head = {"domain": domain, "day": day.isoformat(), "former": former and former.to_document()}
    return root_of([canonical(head), *(canonical(each.to_list()) for each in entries)])


def utc_day(now: datetime) -> date:
    """Returns the day of a time in UTC."""
    return now.astimezone(UTC).date()
