"""The archive in memory."""

from collections.abc import Iterator, Sequence
from datetime import date

from bonafide.adapters.ledger.archive import read_day
from bonafide.records.ledger.entry import ArchivedDecision, StoredContent
from bonafide.records.ledger.seal import DaySeal, KnownRoot, SealedEntry


class InMemoryArchive:
    """`DecisionArchive`.

    Attributes:
        stored: contents by domain, day and name; None is one that cannot be read.
        covered: those over which something lies.
    """

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str, str], bytes | None] = {}
        self.covered: set[tuple[str, str, str]] = set()

    def put(self, entry: ArchivedDecision) -> bool:
        """See `DecisionArchive`."""
        key = (entry.domain, entry.day.isoformat(), entry.decision_id)
        if key in self.stored:
            return False
        self.stored[key] = entry.to_bytes()
        return True

    def has(self, domain: str, day: date, decision_id: str) -> bool:
        """See `DecisionArchive`."""
        return (domain, day.isoformat(), decision_id) in self.stored

    def domains(self) -> Iterator[str]:
        """See `ArchiveReader`."""
        return iter(sorted({domain for domain, *_ in self.stored}))

    def days(self, domain: str) -> Sequence[date]:
        """See `ArchiveReader`."""
        return sorted({day for of, text, _ in self.stored if of == domain and (day := read_day(text))})

    def strays(self, domain: str) -> Iterator[str]:
        """See `ArchiveReader`."""
        return iter(sorted({f"{text}/" for of, text, _ in self.stored if of == domain and not read_day(text)}))

    def names(self, domain: str, day: date) -> Iterator[str]:
        """See `ArchiveReader`."""
        return iter(sorted(name for of, on, name in self.stored if (of, on) == (domain, day.isoformat())))

    def contents(self, domain: str, day: date, after: str = "") -> Iterator[StoredContent]:
        """See `ArchiveReader`."""
        for name in self.names(domain, day):
            key = (domain, day.isoformat(), name)
            if name > after:
                yield StoredContent(name, self.stored[key], key in self.covered)


class InMemorySeals:
    """`SealStore`.

    Attributes:
        stored: seals by domain and day, in their stored form.
        published: roots, likewise.
    """

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], bytes | None] = {}
        self.published: dict[tuple[str, str], bytes | None] = {}

    def newest(self, domain: str) -> DaySeal | None:
        """See `SealStore`."""
        days = [day for of, day in self.stored if of == domain and read_day(day)]
        return DaySeal.from_bytes(self.stored[domain, max(days)] or b"") if days else None

    def put(self, seal: DaySeal) -> bool:
        """See `SealStore`."""
        return _added(self.stored, (seal.domain, seal.day.isoformat()), seal.to_bytes())

    def publish(self, domain: str, root: KnownRoot) -> bool:
        """See `SealStore`."""
        return _added(self.published, (domain, root.day.isoformat()), root.to_bytes(domain))

    def seals(self, domain: str) -> Iterator[StoredContent]:
        """See `SealStore`."""
        return (StoredContent(day, each) for (of, day), each in sorted(self.stored.items()) if of == domain)

    def roots(self, domain: str) -> Iterator[StoredContent]:
        """See `SealStore`."""
        return (StoredContent(day, each) for (of, day), each in sorted(self.published.items()) if of == domain)


class InMemoryParts:
    """`DayParts`.

    Attributes:
        stored: entries that are kept for the next run, by domain, day and number of those before.
    """

    def __init__(self) -> None:
        self.stored: dict[tuple[str, date, int], Sequence[SealedEntry]] = {}

    def begun(self, domain: str, day: date) -> list[SealedEntry]:
        """See `DayParts`."""
        found: list[SealedEntry] = []
        while part := self.stored.get((domain, day, len(found))):
            found += part
        return found

    def keep(self, domain: str, day: date, number: int, entries: Sequence[SealedEntry]) -> bool:
        """See `DayParts`."""
        if (domain, day, number) in self.stored:
            return False
        self.stored[domain, day, number] = list(entries)
        return True


def _added(stored: dict[tuple[str, str], bytes | None], key: tuple[str, str], content: bytes) -> bool:
    if key in stored:
        return False
    stored[key] = content
    return True
