"""The archive in memory."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from bonafide.records.ledger.entry import ArchivedDecision
from bonafide.records.ledger.seal import DaySeal


class InMemoryArchive:
    """`DecisionArchive`.

    Attributes:
        stored: contents by domain, day and name.
    """

    def __init__(self) -> None:
        self.stored: dict[tuple[str, date, str], bytes] = {}

    def put(self, entry: ArchivedDecision) -> bool:
        """See `DecisionArchive`."""
        key = (entry.domain, entry.day, entry.decision_id)
        if key in self.stored:
            return False
        self.stored[key] = entry.to_bytes()
        return True

    def has(self, domain: str, day: date, decision_id: str) -> bool:
        """See `DecisionArchive`."""
        return (domain, day, decision_id) in self.stored

    def domains(self) -> Iterator[str]:
        """See `ArchiveReader`."""
        return iter(sorted({domain for domain, *_ in self.stored}))

    def days(self, domain: str) -> Sequence[date]:
        """See `ArchiveReader`."""
        return sorted({day for of, day, _ in self.stored if of == domain})

    def names(self, domain: str, day: date) -> Iterator[str]:
        """See `ArchiveReader`."""
        return iter(self.contents(domain, day))

    def contents(self, domain: str, day: date) -> Mapping[str, bytes]:
        """See `ArchiveReader`."""
        return {name: each for (of, on, name), each in self.stored.items() if (of, on) == (domain, day)}


class InMemorySeals:
    """`SealStore`.

    Attributes:
        stored: seals by domain and day.
    """

    def __init__(self) -> None:
        self.stored: dict[tuple[str, date], DaySeal] = {}

    def seals(self, domain: str, after: date | None = None) -> Iterator[DaySeal]:
        """See `SealStore`."""
        for (of, day), seal in sorted(self.stored.items()):
            if of == domain and (after is None or day > after):
                yield seal

    def newest(self, domain: str) -> DaySeal | None:
        """See `SealStore`."""
        return max(self.seals(domain), key=lambda each: each.day, default=None)

    def put(self, seal: DaySeal) -> bool:
        """See `SealStore`."""
        if (seal.domain, seal.day) in self.stored:
            return False
        self.stored[seal.domain, seal.day] = seal
        return True
