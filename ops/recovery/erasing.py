"""Erasures of what a restore put back: those who were deleted, or opted out, while it was writing."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bonafide.adapters.dynamodb.conditions import Item, follows_same, is_same
from bonafide.adapters.dynamodb.items import DOMAIN_ITEM, document_of, domain_key, read_domain, speaker_key
from bonafide.records.domain import DomainState
from ops.recovery.erasures import Erasures

ERASERS = 16


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases from the table of domains what erasures on record name, and nothing that was made later.

    Attributes:
        client: of DynamoDB.
        table: of domains.
    """

    client: Any
    table: str

    def erase_all(self, known: Erasures, read: Callable[[], Erasures]) -> int:
        """Erases what `known` names, then what came on record meanwhile, until nothing is new; returns how many items.

        An erasure is on record before the speaker is looked for, so one that was too early to see what the restore
        wrote is seen here. `known` is part of it for a restore that was cut off before this, and is repeated.
        """
        erased, late = 0, known
        while True:
            erased += self._erase(late)
            late = read().without(known)
            if not late:
                return erased
            known = Erasures([*known, *late])

    def _erase(self, erasures: Erasures) -> int:
        keys = [key for each in erasures for key in self._keys(each.domain, each.speaker)]
        with ThreadPoolExecutor(ERASERS) as pool:
            return sum(pool.map(lambda key: self._item(erasures, key), keys))

    def _keys(self, domain: str, speaker: str | None) -> Iterator[Item]:
        if speaker:
            yield speaker_key(domain, speaker)
            return
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="#domain = :domain",
            ProjectionExpression="#domain, #item",
            ExpressionAttributeNames={"#domain": "domain", "#item": "item"},
            ExpressionAttributeValues={":domain": domain_key(domain)["domain"]},
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]

    def _item(self, erasures: Erasures, key: Item) -> bool:
        while True:
            item = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")
            remaining = erasures.remaining(item) if item else None
            if item is None or remaining == item or _is_being_deleted(item):
                return False
            try:
                self._write(key, item, remaining)
            except self.client.exceptions.ConditionalCheckFailedException:
                # Changed since it was read.
                continue
            return True

    def _write(self, key: Item, item: Item, remaining: Item | None) -> None:
        version, created_at = int(item["version"]["N"]), datetime.fromisoformat(document_of(item)["created_at"])
        if remaining:
            self.client.put_item(TableName=self.table, Item=remaining, **follows_same(version + 1, created_at))
        else:
            self.client.delete_item(TableName=self.table, Key=key, **is_same(version, created_at))


def _is_being_deleted(item: Item) -> bool:
    """Tells whether a deletion of the domain goes on: it deletes the item itself, after the recordings."""
    return item["item"]["S"] == DOMAIN_ITEM and read_domain(item).state is DomainState.DELETING
