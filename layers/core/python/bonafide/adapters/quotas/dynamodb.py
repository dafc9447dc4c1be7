"""Token buckets of domains in DynamoDB, in the table of domains.

An item `quota#<rate>#<burst>` in the partition of the domain's counters (`attempts#<domain>`), which is deleted with
the domain; a quota that is changed begins with a full bucket. Tokens are taken by one conditional update: the time of a
bucket that is not full is moved on, which no other taker can overtake; that of a full one is set from now. What is
known of the bucket tells which. Where that is out of date, the refusal of the condition tells the state, and the next
update is right unless another taker was faster.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
"""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bonafide.access.quota import SECOND, Grant, Quota
from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.adapters.dynamodb.items import attempt_key
from bonafide.ports.stores import VersionConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PREFIX = "quota#"
# Each of them follows a taker who was faster, or a wrong guess.
ATTEMPTS = 4
# A bucket that is full says nothing, and may go.
KEPT_SECONDS = 3600


class DynamoQuotaStore:
    """`QuotaStore` on the table of domains."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def take(self, domain: str, quota: Quota, tokens: int, now: int, full_at: int) -> Grant:
        """See `QuotaStore`."""
        for _ in range(ATTEMPTS):
            # What is known may be out of date, so that nothing is refused without a look at the bucket.
            wanted = max(1, min(tokens, quota.available(full_at, now)))
            taken, full_at = self._update(domain, quota, wanted, now, full_at)
            if taken:
                return Grant(taken, 0.0, full_at)
            if not quota.available(full_at, now):
                break
        return Grant(0, max(quota.seconds_to_token(full_at, now), quota.cost(1) / SECOND), full_at)

    def _update(self, domain: str, quota: Quota, tokens: int, now: int, full_at: int) -> tuple[int, int]:
        """Takes tokens, all or none; returns how many, and when the bucket is full by then."""
        try:
            with translated_errors():
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=attempt_key(domain, _name(quota)),
                    ReturnValues="UPDATED_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **(_from_now(quota, tokens, now) if full_at <= now else _moved(quota, tokens, now)),
                )
        except VersionConflict as conflict:
            return 0, _of_refusal(conflict)
        return tokens, int(answer["Attributes"]["full_at"]["N"])


def _name(quota: Quota) -> str:
    return f"{PREFIX}{quota.requests_per_second:g}#{quota.burst}"


def _from_now(quota: Quota, tokens: int, now: int) -> dict[str, Any]:
    """Takes tokens of a bucket that is full."""
    condition = "attribute_not_exists(full_at) OR full_at <= :now"
    return {
        "UpdateExpression": "SET full_at = :full_at, expires_at = :expires_at",
        "ConditionExpression": condition,
        "ExpressionAttributeValues": {
            ":now": _number(now),
            ":full_at": _number(now + quota.cost(tokens)),
            ":expires_at": _expiry(quota, now),
        },
    }


def _moved(quota: Quota, tokens: int, now: int) -> dict[str, Any]:
    """Takes tokens of a bucket that is not full, and has so many."""
    return {
        "UpdateExpression": "SET full_at = full_at + :cost, expires_at = :expires_at",
        "ConditionExpression": "full_at BETWEEN :now AND :latest",
        "ExpressionAttributeValues": {
            ":now": _number(now),
            ":cost": _number(quota.cost(tokens)),
            ":latest": _number(now + quota.cost(quota.burst) - quota.cost(tokens)),
            ":expires_at": _expiry(quota, now),
        },
    }


def _of_refusal(conflict: VersionConflict) -> int:
    """Returns when the bucket is full, as the refusal of the condition tells it; 0 for one that is not stored."""
    refused = conflict.__cause__
    answer: Item = dict(refused.response) if isinstance(refused, ClientError) else {}
    return int(answer.get("Item", {}).get("full_at", {}).get("N", 0))


def _number(value: int) -> Item:
    return {"N": str(value)}


def _expiry(quota: Quota, now: int) -> Item:
    return _number((now + quota.cost(quota.burst)) // SECOND + KEPT_SECONDS)
