"""Ranges of items of one partition in the table of sessions, the newest of them."""

from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import Item, translated_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def newest(client: "DynamoDBClient", table: str, first: Item, prefix: str, limit: int) -> list[Item]:
    """Reads the last items of a range, in ascending order; a query returns a megabyte at most.

    Args:
        client: of DynamoDB.
        table: with partition key `session` and sort key `item`.
        first: key at which the range begins.
        prefix: of all sort keys of the range.
        limit: most items.
    """
    values = {":key": first["session"], ":begin": first["item"], ":end": {"S": f"{prefix}~"}}
    found: list[Item] = []
    start: Any = {}
    while len(found) < limit:
        with translated_errors():
            answer = client.query(
                TableName=table,
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
