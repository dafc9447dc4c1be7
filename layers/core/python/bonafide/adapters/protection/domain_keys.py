"""Keys of domains: stored encrypted by the key management, kept opened for a while."""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.adapters.protection.cipher import DomainKey, new_name
from bonafide.adapters.protection.items import ABSENT, domain_key_item
from bonafide.errors import StoreUnavailable
from bonafide.ports.keys import DomainSecrets, KeyRefused
from bonafide.ports.stores import VersionConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# An opened key is used for so long before the key management is asked again, which may refuse then.
KEPT = timedelta(minutes=15)
# It is used for so long while the key management does not answer; asked every half minute.
KEPT_WITHOUT_ANSWER = timedelta(hours=1)
ASKED_AGAIN = timedelta(seconds=30)
# 0.3 MB for each embedding space of each.
MOST_KEPT = 32


@dataclass(slots=True)
class _Opened:
    key: DomainKey
    opened_at: datetime
    ask_at: datetime


class DomainKeys:
    """Keys of domains in one table.

    Attributes:
        table: of keys.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        secrets: DomainSecrets,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Stores its dependencies.

        Args:
            client: of DynamoDB.
            table: of keys.
            secrets: of the key management.
            clock: a wall clock; a monotonic one stands still while Lambda freezes the environment.
        """
        self._client = client
        self.table = table
        self._secrets = secrets
        self._clock = clock
        self._opened: OrderedDict[tuple[str, str], _Opened] = OrderedDict()

    def named(self, domain: str, name: str) -> DomainKey | None:
        """Returns a key of a domain; None if it was deleted. Asks nobody while an opened key may be used.

        Raises:
            StoreUnavailable: the table or the key management did not answer, or the latter refuses.
        """
        now = self._clock()
        kept = self._opened.get((domain, name))
        if kept and kept.opened_at <= now < kept.ask_at:
            self._opened.move_to_end((domain, name))
            return kept.key
        try:
            return self._open(domain, name, self._item(domain), now)
        except KeyRefused:
            self._opened.pop((domain, name), None)
            raise
        except StoreUnavailable:
            if kept is None or not timedelta() <= now - kept.opened_at < KEPT_WITHOUT_ANSWER:
                raise
            kept.ask_at = now + ASKED_AGAIN
            return kept.key

    def opened(self, domain: str) -> DomainKey | None:
        """Returns the key of a domain that was used last, if it may still be used; asks nobody."""
        now = self._clock()
        mine = (each for (of, _), each in reversed(self._opened.items()) if of == domain)
        return next((each.key for each in mine if each.opened_at <= now < each.opened_at + KEPT_WITHOUT_ANSWER), None)

    def current(self, domain: str) -> DomainKey:
        """Returns the key that wraps new data keys of a domain, made if there is none; the table is always asked.

        Raises:
            StoreUnavailable: as `named`.
        """
        item = self._item(domain) or self._made(domain)
        name: str = item["current"]["S"]
        kept = self._opened.get((domain, name))
        now = self._clock()
        if kept and kept.opened_at <= now < kept.ask_at:
            return kept.key
        found = self._open(domain, name, item, now)
        if found is None:
            raise StoreUnavailable
        return found

    def add(self, domain: str) -> str:
        """Makes another key, which wraps new data keys from now on; returns its name.

        Raises:
            VersionConflict: another one was made at the same time.
        """
        former = self.current(domain).name
        name, (_, wrapped) = new_name(), self._secrets.make(domain)
        with translated_errors():
            self._client.update_item(
                TableName=self.table,
                Key=domain_key_item(domain),
                UpdateExpression="SET secrets.#name = :wrapped, #current = :name",
                ConditionExpression="#current = :former",
                ExpressionAttributeNames={"#name": name, "#current": "current"},
                ExpressionAttributeValues={":wrapped": {"B": wrapped}, ":name": {"S": name}, ":former": {"S": former}},
            )
        return name

    def in_use(self, domain: str) -> Counter[str]:
        """Returns how many data keys each key of a domain wraps."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="#domain = :domain",
            ExpressionAttributeNames={"#domain": "domain"},
            ExpressionAttributeValues={":domain": {"S": domain}},
            ConsistentRead=True,
        )
        with translated_errors():
            items = [item for page in pages for item in page["Items"]]
        now = self._clock().timestamp()
        living = [item for item in items if int(item.get("expires_at", {"N": "9" * 12})["N"]) > now]
        return Counter(item["domain_key"]["S"] for item in living if "domain_key" in item)

    def retire(self, domain: str) -> None:
        """Deletes all keys of a domain but the current one; what they wrapped opens no more.

        Raises:
            VersionConflict: another key was made at the same time.
        """
        name = self.current(domain).name
        item = self._item(domain) or {}
        with translated_errors():
            self._client.update_item(
                TableName=self.table,
                Key=domain_key_item(domain),
                UpdateExpression="SET secrets = :kept",
                ConditionExpression="#current = :name",
                ExpressionAttributeNames={"#current": "current"},
                ExpressionAttributeValues={":name": {"S": name}, ":kept": {"M": {name: item["secrets"]["M"][name]}}},
            )

    def _open(self, domain: str, name: str, item: Item | None, now: datetime) -> DomainKey | None:
        wrapped = item["secrets"]["M"].get(name) if item else None
        if wrapped is None:
            self._opened.pop((domain, name), None)
            return None
        return self._keep(domain, DomainKey(name, self._secrets.open(domain, bytes(wrapped["B"]))), now)

    def _keep(self, domain: str, key: DomainKey, now: datetime) -> DomainKey:
        known = self._opened.get((domain, key.name))
        # The rotations that it has made are worth keeping.
        self._opened[domain, key.name] = _Opened(known.key if known else key, now, now + KEPT)
        self._opened.move_to_end((domain, key.name))
        while len(self._opened) > MOST_KEPT:
            self._opened.popitem(last=False)
        return self._opened[domain, key.name].key

    def _item(self, domain: str) -> Item | None:
        with translated_errors():
            answer = self._client.get_item(TableName=self.table, Key=domain_key_item(domain), ConsistentRead=True)
        return answer.get("Item")

    def _made(self, domain: str) -> Item:
        """Puts the first key of a domain, unless another writer is faster; returns what is stored."""
        secret, wrapped = self._secrets.make(domain)
        name = new_name()
        item: Item = {**domain_key_item(domain), "current": {"S": name}, "secrets": {"M": {name: {"B": wrapped}}}}
        try:
            with translated_errors():
                self._client.put_item(TableName=self.table, Item=item, **ABSENT)
        except VersionConflict:
            stored = self._item(domain)
            if stored is None:
                raise StoreUnavailable from None
            return stored
        self._keep(domain, DomainKey(name, secret), self._clock())
        return item
