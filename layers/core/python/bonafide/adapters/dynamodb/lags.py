"""Lag of each shard of the audio stream, in the table of sessions."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.adapters.dynamodb.session_items import KEPT, seconds
from bonafide.ports.stores import VersionConflict
from bonafide.records.stream import LAG_HELD, ShardLag

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoShardLagStore:
    """`ShardLagStore` on one table: `lag#<shard>` under `highest`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def publish(self, shard: str, lag: ShardLag) -> None:
        """See `ShardLagStore`. The condition is `ShardLag.replaces`, evaluated by DynamoDB."""
        waited = {"waited": {"N": f"{lag.seconds:.3f}"}, "said_at": {"N": f"{lag.at.timestamp():.3f}"}}
        item: Item = {**_key(shard), **waited, "expires_at": {"N": seconds(lag.at + KEPT)}}
        with suppress(VersionConflict), translated_errors():
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(said_at) OR waited <= :waited OR said_at < :held",
                ExpressionAttributeValues={
                    ":waited": waited["waited"],
                    ":held": {"N": f"{(lag.at - LAG_HELD).timestamp():.3f}"},
                },
            )

    def lag(self, shard: str) -> ShardLag | None:
        """See `ShardLagStore`."""
        with translated_errors():
            item = self._client.get_item(TableName=self._table, Key=_key(shard), ConsistentRead=True).get("Item")
        if item is None:
            return None
        return ShardLag(float(item["waited"]["N"]), datetime.fromtimestamp(float(item["said_at"]["N"]), UTC))


def _key(shard: str) -> Item:
    return {"session": {"S": f"lag#{shard}"}, "item": {"S": "highest"}}
