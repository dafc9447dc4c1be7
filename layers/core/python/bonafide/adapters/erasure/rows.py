"""Erasure of rows that are about a domain as a whole, in a partition of its own."""

from collections.abc import Callable
from datetime import UTC, datetime

from bonafide.adapters.dynamodb.conditions import Item
from bonafide.adapters.dynamodb.items import RESET_PREFIX, USED_PREFIX, document_of, read_attempts
from bonafide.adapters.dynamodb.monitoring.drift import BASELINE
from bonafide.adapters.erasure.partitions import Partitions
from bonafide.ports.erasure import ErasedStep
from bonafide.records.erasure import ErasureKind, ErasureSubject

NEVER = datetime.max.replace(tzinfo=UTC)


class RowsOfDomain:
    """`ErasableStore` of the rows of a partition; those of a successor are told from them by their times."""

    def __init__(
        self,
        name: str,
        rows: Partitions,
        partition: Callable[[str], str],
        written_at: Callable[[Item], datetime],
    ) -> None:
        """Stores its dependencies.

        Args:
            name: of the store.
            rows: of the table.
            partition: returns the partition of a domain.
            written_at: returns the time of a row.
        """
        self.name = name
        self._rows = rows
        self._partition = partition
        self._written_at = written_at

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """See `ErasableStore`."""
        if subject.speaker:
            return ErasedStep(0, None)
        partition = self._partition(subject.domain)
        if not subject.followed:
            items, last = self._rows.page(partition, "", after)
            return ErasedStep(self._rows.delete_items(items), last)
        items, last = self._rows.page(partition, "", after, whole=True)
        meant = [each for each in items if self._written_at(each) < subject.before]
        return ErasedStep(sum(self._rows.delete_unchanged(each) for each in meant), last)


class AttemptErasing:
    """`ErasableStore` of counters of failed attempts, with their resets, and of last uses of voiceprints."""

    name = "attempts"

    def __init__(
        self, rows: RowsOfDomain, forget: Callable[[str, str], int], forget_use: Callable[[str, str], int]
    ) -> None:
        """Stores its dependencies.

        Args:
            rows: of a domain's counters.
            forget: deletes the counter at a speaker, its resets and the last use; returns how many items.
            forget_use: deletes the last use of a speaker's voiceprint; returns how many items.
        """
        self._rows = rows
        self._forget = forget
        self._forget_use = forget_use

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """See `ErasableStore`. Who opts out keeps the counter, which is over within a day: it is not of the voice."""
        if subject.speaker is None:
            return self._rows.erase(subject, after)
        if subject.followed:
            return ErasedStep(0, None)
        forget = self._forget_use if subject.kind is ErasureKind.OPTED_OUT else self._forget
        return ErasedStep(forget(subject.domain, subject.speaker), None)


def in_key(place: int) -> Callable[[Item], datetime]:
    """Returns what reads the time of a row from a part of its sort key."""
    return lambda item: datetime.fromisoformat(item["item"]["S"].split("#")[place])


def drift_at(item: Item) -> datetime:
    """Returns the time until which a baseline or a window looks back."""
    if item["item"]["S"] == BASELINE:
        return datetime.fromisoformat(document_of(item)["end"])
    return in_key(1)(item)


def calibrations_at(item: Item) -> datetime:
    """Returns the time of the change that led to calibrations."""
    return datetime.fromisoformat(document_of(item)["change"]["changed_at"])


def staging_at(item: Item) -> datetime:
    """Returns the time of the change that led to a staged policy, or to none."""
    return datetime.fromisoformat(document_of(item)["changed_at"])


def attempts_at(item: Item) -> datetime:
    """Returns the time of a reset, a use, or a counter's newest failure; that of a secret is not known."""
    name = item["item"]["S"]
    if name.startswith(USED_PREFIX):
        return datetime.fromisoformat(item["used_at"]["S"])
    if name.startswith(RESET_PREFIX):
        return datetime.fromisoformat(name.rpartition("#")[2])
    return max((each.at for each in read_attempts(item).failures), default=NEVER)
