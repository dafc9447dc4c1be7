"""Erasure of counters and histories of calls."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import Item
from bonafide.adapters.erasure.partitions import Partitions
from bonafide.adapters.risk.items import DIGITS, OF_DOMAIN, owner, short, speaker_part, speaker_prefix
from bonafide.ports.erasure import ErasedStep
from bonafide.records.erasure import ErasureSubject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PARTS = (*DIGITS, OF_DOMAIN)


class CallErasing:
    """`ErasableStore` of calls: a speaker's own counters and history, of a domain everything.

    Counters of numbers are not the speaker's: they expire within two days, reports of fraud after 30.
    """

    name = "calls"

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._items = Partitions(client, table, "owner", "item")

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """See `ErasableStore`."""
        if subject.speaker is None:
            return self._of_domain(subject, after)
        partition, prefix = owner(subject.domain, speaker_part(subject.speaker)), speaker_prefix(subject.speaker)
        items, last = self._items.page(partition, prefix, after)
        kept = f"{prefix}{short(subject.lifetime)}#" if subject.followed and subject.lifetime else None
        meant = [each for each in items if kept is None or not each["item"]["S"].startswith(kept)]
        return ErasedStep(self._items.delete_items(meant), last)

    def _of_domain(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """Goes through the partitions one by one; `after` is the number of one, and the sort key in it."""
        number, _, sort_key = after.partition("|")
        part = int(number or 0)
        items, last = self._items.page(owner(subject.domain, PARTS[part]), "", sort_key, whole=True)
        erased = self._items.delete_items(_meant(subject, items))
        if last:
            return ErasedStep(erased, f"{part}|{last}")
        return ErasedStep(erased, f"{part + 1}|" if part + 1 < len(PARTS) else None)


def _meant(subject: ErasureSubject, items: Sequence[Item]) -> Sequence[Item]:
    """Returns what was written before a successor of the domain was made, if there is one."""
    return [each for each in items if datetime.fromisoformat(each["at"]["S"]) < subject.before]
