"""Rows of a table under a partition for each domain."""

from collections.abc import Callable, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import Item, attempts, translated_errors
from bonafide.errors import StoreUnavailable
from bonafide.ports.erasure import ErasedStep
from bonafide.records.erasure import ErasureSubject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
BATCH_WRITES = 25
# Rows of a step.
PAGE = 200


class TableKeys:
    """Keys of a table."""

    def __init__(self, client: "DynamoDBClient", table: str, partition: str, sort: str) -> None:
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

    def page(self, partition: str, prefix: str = "", **how: Any) -> Sequence[Item]:
        """Reads the keys of the first items of a partition, or of those whose sort keys begin so."""
        condition, values = "#partition = :partition", {":partition": {"S": partition}}
        if prefix:
            condition, values = f"{condition} AND begins_with(#sort, :prefix)", values | {":prefix": {"S": prefix}}
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeNames=self._names,
                ExpressionAttributeValues=values,
                ProjectionExpression="#partition, #sort",
                **{"Limit": PAGE, "ConsistentRead": True, **how},
            )
        return answer["Items"]

    def delete(self, keys: Sequence[Item]) -> None:
        """Deletes items, and again those that DynamoDB left.

        Raises:
            StoreUnavailable: some are left when the attempts are used up.
        """
        for batch in batched(keys, BATCH_WRITES):
            self._delete([{"DeleteRequest": {"Key": key}} for key in batch])

    def _delete(self, requests: Sequence[Any]) -> None:
        for _ in attempts():
            with translated_errors():
                answer = self._client.batch_write_item(RequestItems={self._table: requests})
            requests = answer.get("UnprocessedItems", {}).get(self._table, [])
            if not requests:
                return
        raise StoreUnavailable


class RowsOfDomain:
    """`ErasableStore` of rows that are about a domain as a whole.

    Nothing is looked for once the domain has a successor of its name, whose rows cannot be told from its own.
    """

    def __init__(self, name: str, keys: TableKeys, partition: Callable[[str], str]) -> None:
        """Stores its dependencies; `partition` returns the partition of a domain."""
        self.name = name
        self._keys = keys
        self._partition = partition

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:  # noqa: ARG002
        """See `ErasableStore`."""
        if subject.speaker or subject.followed:
            return ErasedStep(0, None)
        found = self._keys.page(self._partition(subject.domain))
        self._keys.delete(found)
        return ErasedStep(len(found), "" if found else None)
