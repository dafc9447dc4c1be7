"""Items of a copy, written back into the table of the stack while callers use it.

Every write is conditional on what was read before, and a record gets the version after the one that it replaces: a
request that read the record before the write fails its own condition, and repeats itself on the restored record.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import batched
from typing import Any

from bonafide.adapters.dynamodb.conditions import BATCH_ITEMS, BatchReader, Item
from bonafide.adapters.dynamodb.items import (
    ATTEMPT_PARTITION,
    BRAKE_PARTITION,
    CALIBRATION_PARTITION,
    HISTORY_PARTITION,
    POLICY_PARTITION,
    USED_PREFIX,
    WATCHLIST_PARTITION,
    is_reservation,
)
from bonafide.adapters.erasure.progress import BY_TIME, ERASURES, PENDING

SEGMENTS = 16
# Partitions of what administrators decided.
STAYING = (BRAKE_PARTITION, CALIBRATION_PARTITION, HISTORY_PARTITION, POLICY_PARTITION, ATTEMPT_PARTITION)


class Outcome(StrEnum):
    """Outcomes for one item of a copy."""

    SAME = "unchanged since"
    PUT_BACK = "missing, put back"
    OVERWRITTEN = "changed since, put back over"
    KEPT = "changed since, kept as it is"
    NOT_WANTED = "erased or expired since, left out"
    LOST_RACE = "changed during the restore, kept as it is"


@dataclass(frozen=True, slots=True)
class TableCopy:
    """A table and its copy.

    Attributes:
        table: of the stack.
        copy: restored beside it.
        keys: names of the attributes of the primary key, the partition key first.
        domain: the only domain to restore; None for all.
    """

    table: str
    copy: str
    keys: Sequence[str]
    domain: str | None = None

    def key(self, item: Item) -> Item:
        """Returns the primary key of an item."""
        return {name: item[name] for name in self.keys}


@dataclass(frozen=True, slots=True)
class WriteBack:
    """A way to write items back.

    Attributes:
        client: of DynamoDB.
        remaining: returns what may be left of an item, None for nothing.
        overwrite: whether an item that changed since is put back too, unless it is one that stays as it is.
        apply: whether anything is written; otherwise outcomes are only counted.
        plain: domains of voiceprints that come back as they were before they were protected, one for each speaker.
    """

    client: Any
    remaining: Callable[[Item], Item | None]
    overwrite: bool
    apply: bool
    plain: list[str] = field(default_factory=list)

    def run(self, copy: TableCopy) -> Counter[Outcome]:
        """Goes through a copy; returns how many items had which outcome."""
        segments = range(1 if copy.domain else SEGMENTS)
        with ThreadPoolExecutor(SEGMENTS) as pool:
            return sum(pool.map(lambda segment: self._segment(copy, segment), segments), Counter[Outcome]())

    def _segment(self, copy: TableCopy, segment: int) -> Counter[Outcome]:
        found: Counter[Outcome] = Counter()
        for items in batched(_items(self.client, copy, segment), BATCH_ITEMS):
            current = {_identity(copy, each): each for each in self._current(copy, items)}
            found.update(self._item(copy, each, current.get(_identity(copy, each))) for each in items)
        return found

    def _current(self, copy: TableCopy, items: Sequence[Item]) -> Iterator[Item]:
        return BatchReader(self.client, copy.table).read([copy.key(each) for each in items])

    def _item(self, copy: TableCopy, item: Item, current: Item | None) -> Outcome:
        wanted = None if _is_of_the_past(item) else self.remaining(item)
        outcome = _outcome(wanted, current, overwrite=self.overwrite)
        if wanted is None or outcome not in {Outcome.PUT_BACK, Outcome.OVERWRITTEN}:
            return outcome
        try:
            if self.apply:
                self.client.put_item(TableName=copy.table, **put(copy, wanted, current))
        except self.client.exceptions.ConditionalCheckFailedException:
            return Outcome.LOST_RACE
        if "voiceprint" in wanted:
            self.plain.append(wanted["domain"]["S"])
        return outcome


def _outcome(wanted: Item | None, current: Item | None, *, overwrite: bool) -> Outcome:
    if wanted is None:
        return Outcome.NOT_WANTED
    if current is None or is_reservation(current):
        return Outcome.PUT_BACK
    if _content(current) == _content(wanted):
        return Outcome.SAME
    return Outcome.OVERWRITTEN if overwrite and not _stays_as_it_is(wanted) else Outcome.KEPT


def _stays_as_it_is(item: Item) -> bool:
    """Tells whether an item is one of a brake, a calibration or a policy, perhaps set because of what is restored.

    Or the last use of a voiceprint: there was a later one since.
    """
    partition: str = item["domain"]["S"]
    return partition.startswith(STAYING)


def _is_of_the_past(item: Item) -> bool:
    """Tells whether an item is a counter of failed attempts, which limits nobody any more, or progress of an erasure.

    Or of a watchlist: one by one its rows do not fit those that are there, and would bring back whom somebody removed.
    Erasures are begun again by their records outside the tables. The last use of a voiceprint is put back: without it,
    one that was enrolled long ago would expire.
    """
    if item["domain"]["S"].startswith(ATTEMPT_PARTITION):
        return not item["item"]["S"].startswith(USED_PREFIX)
    return bool(item["domain"]["S"].startswith((ERASURES, BY_TIME, PENDING, WATCHLIST_PARTITION)))


def put(copy: TableCopy, wanted: Item, current: Item | None) -> Mapping[str, Any]:
    """Returns the parameters of a put that replaces nothing but the current item."""
    if current is None:
        return {
            "Item": wanted,
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": copy.keys[0]},
        }
    # Decisions have no version: their documents are written once.
    guard = "version" if "version" in current else "document"
    is_new = guard == "document" or is_reservation(current)
    item = wanted if is_new else {**wanted, "version": {"N": str(int(current["version"]["N"]) + 1)}}
    return {
        "Item": item,
        "ConditionExpression": "#guard = :current",
        "ExpressionAttributeNames": {"#guard": guard},
        "ExpressionAttributeValues": {":current": current[guard]},
    }


def _content(item: Item) -> Item:
    """Returns an item without its version, so that a repeated restore finds nothing left to do."""
    return {name: value for name, value in item.items() if name != "version"}


def _identity(copy: TableCopy, item: Item) -> tuple[str, ...]:
    return tuple(item[name]["S"] for name in copy.keys)


def _items(client: Any, copy: TableCopy, segment: int) -> Iterator[Item]:
    if copy.domain:
        pages = client.get_paginator("query").paginate(
            TableName=copy.copy,
            KeyConditionExpression="#domain = :domain",
            ExpressionAttributeNames={"#domain": copy.keys[0]},
            ExpressionAttributeValues={":domain": {"S": copy.domain}},
        )
    else:
        pages = client.get_paginator("scan").paginate(TableName=copy.copy, Segment=segment, TotalSegments=SEGMENTS)
    for page in pages:
        yield from page["Items"]
