"""Erasure of keys whose voiceprints are gone, or whose domain is: a restore, or a request in flight, leaves some."""

from collections.abc import Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any, cast

from bonafide.adapters.dynamodb.conditions import BATCH_ITEMS, Item, transacted, translated_errors
from bonafide.adapters.dynamodb.items import domain_key, read_domain, speaker_key
from bonafide.adapters.erasure.partitions import Partitions
from bonafide.adapters.protection.items import speaker_key_item
from bonafide.ports.erasure import ErasedStep
from bonafide.records.domain import DomainState
from bonafide.records.erasure import ErasureSubject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NO_VOICEPRINTS = {"ConditionExpression": "attribute_not_exists(#key)", "ExpressionAttributeNames": {"#key": "key"}}
NO_DOMAIN = {"ConditionExpression": "attribute_not_exists(#item)", "ExpressionAttributeNames": {"#item": "item"}}


class KeyErasing:
    """`ErasableStore` of keys. What they are for is checked in the transaction: a successor's key is never deleted."""

    name = "keys"

    def __init__(self, client: "DynamoDBClient", domains: str, keys: str) -> None:
        """Stores its dependencies.

        Args:
            client: of DynamoDB.
            domains: the table of domains and speakers.
            keys: the table of keys.
        """
        self._client = client
        self._domains = domains
        self._keys = keys
        self._items = Partitions(client, keys)

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """See `ErasableStore`.

        Raises:
            VersionConflict: somebody has written what is checked; the next run looks again.
        """
        if subject.speaker:
            return ErasedStep(self._of_speaker(subject.domain, subject.speaker), None)
        owner = self._get(self._domains, domain_key(subject.domain))
        if subject.followed or (owner and read_domain(owner).state is not DomainState.DELETING):
            return ErasedStep(0, None)
        items, last = self._items.page(subject.domain, "", after)
        same = _unchanged(owner) if owner else NO_DOMAIN
        for batch in batched(items, BATCH_ITEMS - 1):
            self._delete(batch, domain_key(subject.domain), same)
        return ErasedStep(len(items), last)

    def _of_speaker(self, domain: str, speaker: str) -> int:
        """Deletes the key of a speaker who has no protected voiceprint; returns how many that were."""
        key, own = speaker_key_item(domain, speaker), speaker_key(domain, speaker)
        if not self._get(self._keys, key) or "key" in (self._get(self._domains, own) or {}):
            return 0
        self._delete([key], own, NO_VOICEPRINTS)
        return 1

    def _get(self, table: str, key: Item) -> Item | None:
        with translated_errors():
            return self._client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")

    def _delete(self, keys: Sequence[Item], owner: Item, condition: Any) -> None:
        """Deletes keys if a condition on their owner holds."""
        transacted(
            lambda: self._client.transact_write_items(
                TransactItems=cast(
                    "Any",
                    [
                        {"ConditionCheck": {"TableName": self._domains, "Key": owner, **condition}},
                        *[{"Delete": {"TableName": self._keys, "Key": key}} for key in keys],
                    ],
                )
            )
        )


def _unchanged(owner: Item) -> dict[str, Any]:
    return {
        "ConditionExpression": "document = :document",
        "ExpressionAttributeValues": {":document": owner["document"]},
    }
