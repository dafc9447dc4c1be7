"""The archive of decisions, the seals of its days, and what encrypts its personal attributes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from bonafide.records.decision import DecisionRecord
from bonafide.records.decision_page import DecisionPosition
from bonafide.records.ledger.entry import ArchivedDecision
from bonafide.records.ledger.seal import DaySeal


class ArchiveReader(Protocol):
    """Reads entries."""

    def domains(self) -> Iterator[str]:
        """Yields the domains that have entries."""

    def days(self, domain: str) -> Sequence[date]:
        """Returns the days that have entries of a domain, in their order."""

    def names(self, domain: str, day: date) -> Iterator[str]:
        """Yields the names of a day's entries."""

    def contents(self, domain: str, day: date) -> Mapping[str, bytes]:
        """Reads a day's entries, by their names."""


class DecisionArchive(ArchiveReader, Protocol):
    """Adds entries, and never changes one."""

    def put(self, entry: ArchivedDecision) -> bool:
        """Adds an entry unless its day has one of that name; tells whether it did.

        Raises:
            StoreUnavailable: the archive did not answer.
        """

    def has(self, domain: str, day: date, decision_id: str) -> bool:
        """Tells whether a day has an entry of that name."""


class SealStore(Protocol):
    """Seals of days."""

    def seals(self, domain: str, after: date | None = None) -> Iterator[DaySeal]:
        """Yields the seals of a domain after a day, in their order."""

    def newest(self, domain: str) -> DaySeal | None:
        """Returns the newest seal of a domain."""

    def put(self, seal: DaySeal) -> bool:
        """Adds a seal unless its day has one; tells whether it did."""


class PersonalFields(Protocol):
    """Encrypts the personal attributes of a decision under the key of the speaker who was claimed."""

    def seal(self, domain: str, speaker: str | None, decision_id: str, content: bytes) -> str | None:
        """Encrypts attributes; None where nobody was claimed, or the speaker has no key.

        Raises:
            StoreUnavailable: the key could not be read or opened.
        """

    def open(self, domain: str, speaker: str, decision_id: str, sealed: str) -> bytes | None:
        """Decrypts attributes; None if the speaker's key is gone, or is another one."""


class DecisionIndex(Protocol):
    """Names of stored decisions by time."""

    def positions(self, domain: str, begin: datetime, end: datetime) -> Iterator[DecisionPosition]:
        """Yields the decisions of a range of time, whose end is exclusive."""

    def stored(self, domain: str, decision_id: str) -> tuple[DecisionRecord, datetime] | None:
        """Reads a decision and when it expires."""
