"""The archive of decisions, the seals of its days, and what encrypts its personal attributes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from bonafide.records.decision import DecisionRecord
from bonafide.records.decision_page import DecisionPosition
from bonafide.records.ledger.entry import ArchivedDecision, StoredContent, StoredDecision
from bonafide.records.ledger.seal import DaySeal, KnownRoot, SealedEntry


class ArchiveReader(Protocol):
    """Reads entries, also those over which somebody put a delete marker."""

    def domains(self) -> Iterator[str]:
        """Yields the domains that have entries."""

    def days(self, domain: str) -> Sequence[date]:
        """Returns the days that have entries of a domain, in their order."""

    def strays(self, domain: str) -> Iterator[str]:
        """Yields what is below a domain and is no day."""

    def names(self, domain: str, day: date) -> Iterator[str]:
        """Yields the names of a day's entries."""

    def contents(self, domain: str, day: date, after: str = "") -> Iterator[StoredContent]:
        """Reads a day's entries, in the order of their names, those after a name."""


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
    """Seals of days, and their roots, which are kept apart."""

    def newest(self, domain: str) -> DaySeal | None:
        """Returns the newest seal of a domain.

        Raises:
            ValueError: it is no seal.
        """

    def put(self, seal: DaySeal) -> bool:
        """Adds a seal unless its day has one; tells whether it did."""

    def publish(self, domain: str, root: KnownRoot) -> bool:
        """Adds a root unless its day has one; tells whether it did."""

    def seals(self, domain: str) -> Iterator[StoredContent]:
        """Reads the seals of a domain, in the order of their days."""

    def roots(self, domain: str) -> Iterator[StoredContent]:
        """Reads the published roots of a domain, in the order of their days."""


class DayParts(Protocol):
    """Entries that were read of a day that is too large for one run."""

    def begun(self, domain: str, day: date) -> list[SealedEntry]:
        """Returns the entries of a day that former runs have read, in the order of their names.

        Raises:
            ValueError: somebody else wrote them.
        """

    def keep(self, domain: str, day: date, number: int, entries: Sequence[SealedEntry]) -> bool:
        """Keeps entries of a day for the next run, after the first ones; tells whether no other run was faster.

        Args:
            domain: of the day.
            day: that is too large for one run.
            number: how many are kept already.
            entries: the next ones.
        """


class PersonalFields(Protocol):
    """Encrypts the personal attributes of a decision under the key of the speaker who was claimed."""

    def seal(self, decision: StoredDecision, content: bytes) -> str | None:
        """Encrypts attributes.

        Returns:
            None where nobody was claimed, the speaker has no key, or whoever has the name now was enrolled later.

        Raises:
            StoreUnavailable: the key could not be read or opened.
        """

    def open(self, domain: str, speaker: str, decision_id: str, sealed: str) -> bytes | None:
        """Decrypts attributes; None if the speaker's key is gone, or is another one."""


class DecisionEvents(Protocol):
    """Tells whoever subscribes that decisions were made."""

    def announce(self, decisions: Sequence[StoredDecision]) -> None:
        """Sends an event for each decision; those that the bus does not take are counted, and lost."""


class DecisionIndex(Protocol):
    """Stored decisions by time and by name."""

    def positions(self, domain: str, begin: datetime, end: datetime) -> Iterator[DecisionPosition]:
        """Yields the decisions of a range of time, whose end is exclusive."""

    def read(self, domain: str, decision_id: str) -> DecisionRecord | None:
        """Reads a decision with its outcomes; None if there is none, or its retention is over."""

    def stored(self, domain: str, names: Sequence[str]) -> Mapping[str, StoredDecision]:
        """Reads decisions, those whose retention is over included."""
