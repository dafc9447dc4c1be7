"""Lag of each shard of the audio stream, in the table of sessions."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.adapters.dynamodb.session_items import KEPT, seconds
from bonafide.ports.stores import VersionConflict
from bonafide.records.stream import LAG_HELD, SMALL_LAG_SECONDS, ShardLag

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# `ShardLag.replaces`, evaluated by DynamoDB.
REPLACES = "attribute_not_exists(said_at) OR waited <= :waited OR waited < :small OR said_at < :held"


class DynamoShardLagStore:
    """`ShardLagStore` on one table: `lag#<shard>` under `highest`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def publish(self, shard: str, lag: ShardLag) -> None:
        """See `ShardLagStore`."""
        waited, said_at = {"N": f"{lag.seconds:.3f}"}, {"N": f"{lag.at.timestamp():.3f}"}
        held = {"N": f"{(lag.at - LAG_HELD).timestamp():.3f}"}
        small = {"N": f"{SMALL_LAG_SECONDS}"}
        item: Item = {"waited": waited, "said_at": said_at, "expires_at": {"N": seconds(lag.at + KEPT)}}
        try:
            with translated_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item={**lag_key(shard), **item},
                    ConditionExpression=REPLACES,
                    ExpressionAttributeValues={":waited": waited, ":held": held, ":small": small},
                )
        except VersionConflict:
            self._confirm(shard, said_at)

    def lag(self, shard: str) -> ShardLag | None:
        """See `ShardLagStore`."""
        with translated_errors():
            item = self._client.get_item(TableName=self._table, Key=lag_key(shard), ConsistentRead=True).get("Item")
        return read_lag(item) if item else None

    def _confirm(self, shard: str, at: Any) -> None:
        """Notes that scoring works while a larger lag is held; batches may overtake each other by a moment."""
        with suppress(VersionConflict), translated_errors():
            self._client.update_item(
                TableName=self._table,
                Key=lag_key(shard),
                UpdateExpression="SET later_at = :at",
                ConditionExpression="attribute_exists(said_at)",
                ExpressionAttributeValues={":at": at},
            )


def lag_key(shard: str) -> Item:
    """Returns the key of a shard's lag."""
    return {"session": {"S": f"lag#{shard}"}, "item": {"S": "highest"}}


def read_lag(item: Item) -> ShardLag:
    """Turns an item into a lag; the first release wrote no `later_at`."""
    later_at = _time(item["later_at"]) if "later_at" in item else None
    return ShardLag(float(item["waited"]["N"]), _time(item["said_at"]), later_at)


def _time(value: Any) -> datetime:
    return datetime.fromtimestamp(float(value["N"]), UTC)
