"""Items of whole partitions of a table: read page by page, and deleted."""

from collections.abc import Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import Item, attempts, translated_errors
from bonafide.errors import StoreUnavailable
from bonafide.ports.stores import VersionConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Items of a page of a partition.
PAGE_ITEMS = 200
BATCH_WRITES = 25


class Partitions:
    """Items of whole partitions of a table: found by their partition key, and deleted."""

    def __init__(self, client: "DynamoDBClient", table: str, partition: str = "domain", sort: str = "item") -> None:
        """Stores its dependencies.

        Args:
            client: of DynamoDB.
            table: its name.
            partition: name of the partition key.
            sort: name of the sort key.
        """
        self._client = client
        self._table = table
        self._names = {"#partition": partition, "#sort": sort}

    def page(
        self, partition: str, prefix: str = "", after: str = "", *, whole: bool = False
    ) -> tuple[Sequence[Item], str | None]:
        """Reads items of a partition in the order of their sort keys.

        Args:
            partition: to read.
            prefix: of the sort keys that are wanted.
            after: the sort key after which to begin, as the page before returned it.
            whole: whether all attributes are read, or the keys only.

        Returns:
            The items, and the sort key after which the next page begins; None on the last one.
        """
        condition, values = "#partition = :partition", {":partition": {"S": partition}}
        if prefix:
            condition, values = f"{condition} AND begins_with(#sort, :prefix)", values | {":prefix": {"S": prefix}}
        start: Any = {"ExclusiveStartKey": self._key(partition, after)} if after else {}
        # DynamoDB refuses names that nothing uses.
        shown: Any = {"Select": "ALL_ATTRIBUTES"} if whole else {"ProjectionExpression": "#partition, #sort"}
        used = {"#partition"} | ({"#sort"} if prefix or not whole else set())
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeNames={name: own for name, own in self._names.items() if name in used},
                ExpressionAttributeValues=values,
                ConsistentRead=True,
                Limit=PAGE_ITEMS,
                **shown,
                **start,
            )
        last = answer.get("LastEvaluatedKey")
        return answer["Items"], last[self._names["#sort"]]["S"] if last else None

    def delete(self, partition: str, prefix: str = "") -> int:
        """Deletes the items of a partition whose sort keys begin so, by default all; returns how many."""
        deleted, after = 0, ""
        while True:
            items, last = self.page(partition, prefix, after)
            deleted += self.delete_items(items)
            if last is None:
                return deleted
            after = last

    def delete_items(self, items: Sequence[Item]) -> int:
        """Deletes items by their keys, and again those that DynamoDB left; returns how many.

        Raises:
            StoreUnavailable: some are left when the attempts are used up.
        """
        for batch in batched(items, BATCH_WRITES):
            self._delete([{"DeleteRequest": {"Key": self._key_of(item)}} for item in batch])
        return len(items)

    def delete_unchanged(self, item: Item) -> bool:
        """Deletes an item as it was read; tells whether nobody had changed it."""
        document = item.get("document")
        condition: Any = {
            "ConditionExpression": "document = :document",
            "ExpressionAttributeValues": {":document": document},
        }
        try:
            with translated_errors():
                self._client.delete_item(
                    TableName=self._table, Key=self._key_of(item), **(condition if document else {})
                )
        except VersionConflict:
            return False
        return True

    def _delete(self, requests: Sequence[Any]) -> None:
        for _ in attempts():
            with translated_errors():
                answer = self._client.batch_write_item(RequestItems={self._table: requests})
            requests = answer.get("UnprocessedItems", {}).get(self._table, [])
            if not requests:
                return
        raise StoreUnavailable

    def _key(self, partition: str, sort: str) -> Item:
        return {self._names["#partition"]: {"S": partition}, self._names["#sort"]: {"S": sort}}

    def _key_of(self, item: Item) -> Item:
        return {name: item[name] for name in self._names.values()}
