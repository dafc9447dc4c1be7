"""Ranges of items of one partition in the table of sessions, the newest of them."""

from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import Item, translated_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class RangeReader:
    """Reads the last items of ranges of a table with partition key `session` and sort key `item`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def newest(self, first: Item, prefix: str, limit: int) -> list[Item]:
        """Reads the last items of a range, in ascending order; a query returns a megabyte at most.

        Args:
            first: key at which the range begins.
            prefix: of all sort keys of the range.
            limit: most items.
        """
        values = {":key": first["session"], ":begin": first["item"], ":end": {"S": f"{prefix}~"}}
        found: list[Item] = []
        start: Any = {}
        while len(found) < limit:
            with translated_errors():
                answer = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="#session = :key AND #item BETWEEN :begin AND :end",
                    ExpressionAttributeNames={"#session": "session", "#item": "item"},
                    ExpressionAttributeValues=values,
                    ScanIndexForward=False,
                    Limit=limit - len(found),
                    **start,
                )
            found += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return found[::-1]
