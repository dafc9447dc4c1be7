"""The archive in S3: entries, seals and roots in one versioned bucket with object lock.

Entries are `decisions/<domain>/<day>/<decision_id>`, seals `seals/<domain>/<day>`, roots `roots/<domain>/<day>`. A day
that is too large for one run leaves `parts/<domain>/<day>/<number>` for the next. All are only ever added, and locked
until the domain's retention of decisions is over. A tag names a period, by which a rule of the bucket deletes what is
no longer locked.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime

from bonafide.adapters.ledger.objects import AddedObjects, Kept
from bonafide.ports.signatures import PartSignatures
from bonafide.records import StoredForm
from bonafide.records.ledger.entry import ArchivedDecision, StoredContent, canonical, digest_of
from bonafide.records.ledger.seal import DaySeal, KnownRoot, SealedEntry

ENTRIES = "decisions/"
SEALS = "seals/"
ROOTS = "roots/"
PARTS = "parts/"
# Bytes. An item of DynamoDB, of which an entry is made, has at most 400 KB; encrypted and encoded, it grows by a third.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
LARGEST_ENTRY = 1 << 20


class S3DecisionArchive:
    """`DecisionArchive` on one bucket."""

    def __init__(self, objects: AddedObjects) -> None:
        self._objects = objects

    def put(self, entry: ArchivedDecision) -> bool:
        """See `DecisionArchive`."""
        key = f"{_day(entry.domain, entry.day)}{entry.decision_id}"
        return self._objects.add(key, entry.to_bytes(), Kept(entry.day, entry.until))

    def has(self, domain: str, day: date, decision_id: str) -> bool:
        """See `DecisionArchive`. It lists, since who adds entries may not read them."""
        # Keys are sorted, so of those that begin so it is the first.
        return next(self._objects.names(_day(domain, day) + decision_id), None) == ""

    def domains(self) -> Iterator[str]:
        """See `ArchiveReader`."""
        return (each.rstrip("/") for each in self._objects.below(ENTRIES) if each.endswith("/"))

    def days(self, domain: str) -> Sequence[date]:
        """See `ArchiveReader`."""
        below = self._objects.below(f"{ENTRIES}{domain}/")
        return sorted(day for each in below if each.endswith("/") and (day := read_day(each.rstrip("/"))))

    def strays(self, domain: str) -> Iterator[str]:
        """See `ArchiveReader`."""
        below = self._objects.below(f"{ENTRIES}{domain}/")
        return (each for each in below if not (each.endswith("/") and read_day(each.rstrip("/"))))

    def names(self, domain: str, day: date) -> Iterator[str]:
        """See `ArchiveReader`."""
        return self._objects.names(_day(domain, day))

    def contents(self, domain: str, day: date, after: str = "") -> Iterator[StoredContent]:
        """See `ArchiveReader`."""
        return self._objects.contents(_day(domain, day), after, LARGEST_ENTRY)


class S3SealStore:
    """`SealStore` on the same bucket."""

    def __init__(self, objects: AddedObjects, root_lock: str) -> None:
        """Stores its dependencies.

        Args:
            objects: of the bucket.
            root_lock: mode in which roots are locked: in COMPLIANCE mode nobody can delete one before its time.
        """
        self._objects = objects
        self._root_lock = root_lock

    def newest(self, domain: str) -> DaySeal | None:
        """See `SealStore`."""
        prefix = f"{SEALS}{domain}/"
        days = sorted(day for each in self._objects.names(prefix) if (day := read_day(each)))
        found = self._objects.contents(prefix + days[-1].isoformat()) if days else iter(())
        return next((DaySeal.from_bytes(each.content or b"") for each in found), None)

    def put(self, seal: DaySeal) -> bool:
        """See `SealStore`."""
        key = f"{SEALS}{seal.domain}/{seal.day.isoformat()}"
        return self._objects.add(key, seal.to_bytes(), Kept(seal.day, seal.until))

    def publish(self, domain: str, root: KnownRoot) -> bool:
        """See `SealStore`."""
        until = root.until or datetime.now(UTC)
        key = f"{ROOTS}{domain}/{root.day.isoformat()}"
        return self._objects.add(key, root.to_bytes(domain), Kept(root.day, until, self._root_lock))

    def seals(self, domain: str) -> Iterator[StoredContent]:
        """See `SealStore`."""
        return self._objects.contents(f"{SEALS}{domain}/")

    def roots(self, domain: str) -> Iterator[StoredContent]:
        """See `SealStore`."""
        return self._objects.contents(f"{ROOTS}{domain}/")


class S3DayParts:
    """`DayParts` on the same bucket, signed: whoever else writes one cannot have anything sealed by it."""

    def __init__(self, objects: AddedObjects, signatures: PartSignatures) -> None:
        self._objects = objects
        self._signatures = signatures

    def begun(self, domain: str, day: date) -> list[SealedEntry]:
        """See `DayParts`."""
        prefix = f"{PARTS}{domain}/{day.isoformat()}/"
        found: list[SealedEntry] = []
        for each in self._objects.contents(prefix):
            # Behind a part that expired a later one does not go on: what is between is read anew.
            if each.name == _part(len(found)):
                found += map(SealedEntry.from_list, self._read(prefix + each.name, each.content or b""))
        return found

    def keep(self, domain: str, day: date, number: int, entries: Sequence[SealedEntry]) -> bool:
        """See `DayParts`."""
        now = datetime.now(UTC)
        key = f"{PARTS}{domain}/{day.isoformat()}/{_part(number)}"
        listed = [each.to_list() for each in entries]
        signature = self._signatures.sign(key, digest_of(canonical(listed)))
        return self._objects.add(key, canonical({"entries": listed, "signature": signature}), Kept(now.date(), now))

    def _read(self, key: str, content: bytes) -> Sequence[Sequence[str]]:
        try:
            stored: StoredForm = json.loads(content)
            entries: Sequence[Sequence[str]] = stored["entries"]
            signature = str(stored["signature"])
        except (KeyError, TypeError) as error:
            raise ValueError("no part of a day") from error
        if not self._signatures.is_genuine(key, digest_of(canonical(entries)), signature):
            raise ValueError("part of a day that somebody else wrote")
        return entries


def read_day(text: str) -> date | None:
    """Reads a day as keys have it; None of any other text, and of the last day there is, since it has no end."""
    with suppress(ValueError):
        day = date.fromisoformat(text)
        return day if day.isoformat() == text and day < date.max else None
    return None


def _part(number: int) -> str:
    return f"{number:09}"


def _day(domain: str, day: date) -> str:
    return f"{ENTRIES}{domain}/{day.isoformat()}/"
