"""Domains, speakers and decisions in DynamoDB.

Tenant table: partition key `domain`, sort key `item`, which is `domain` for the tenant's own record and
`speaker#<speaker>` for a person. One BatchGetItem reads both; one transaction writes a speaker only while its domain
stands. Every read is strongly consistent and every write conditional, so no order of events loses an update.
"""

import json
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.adapters.records import (
    SPEAKER_PREFIX,
    Item,
    domain_key,
    read_domain,
    read_speaker,
    speaker_key,
    write_domain,
    write_speaker,
)
from bonafide.errors import StoreUnavailable
from bonafide.ports import DomainChanged, DomainRecord, SpeakerPage, SpeakerRecord, VersionConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# AND binds before OR, so that what is added with AND restricts the second half.
FOLLOWS = "attribute_not_exists(#item) AND :previous = :none OR #version = :previous"
NAMES = {"#item": "item", "#version": "version"}
# A record that was deleted and made again has the same versions once more. Until the release before this one has left,
# there are items without the attribute.
SAME = "(attribute_not_exists(created_at) OR created_at = :created_at)"


# The client repeats calls that fail as a whole; these are the attempts at what DynamoDB left out of one that did not.
ATTEMPTS = 3
LONGEST_PAUSE_SECONDS = 0.2
# None begins later than this, so that with a last one as slow as can be the answer is still in time.
PATIENCE_SECONDS = 2.0


class Throttled(StoreUnavailable):
    """DynamoDB was too busy for a part of the call and did none of that part."""


class DynamoTenantStore:
    """`TenantStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def domain(self, domain: str) -> DomainRecord | None:
        """See `TenantStore`."""
        with translated_errors():
            answer = self._client.get_item(TableName=self._table, Key=domain_key(domain), ConsistentRead=True)
        return read_domain(answer["Item"]) if "Item" in answer else None

    def put_domain(self, record: DomainRecord) -> None:
        """See `TenantStore`."""
        with translated_errors():
            self._client.put_item(
                TableName=self._table,
                Item=write_domain(record),
                **_follows_same(record),
            )

    def delete_domain(self, record: DomainRecord) -> None:
        """See `TenantStore`."""
        with translated_errors():
            self._client.delete_item(
                TableName=self._table,
                Key=domain_key(record.domain),
                ConditionExpression=f"#version = :version AND {SAME}",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues={":version": {"N": str(record.version)}, **_created(record)},
            )

    def find(self, domain: str, speaker: str) -> tuple[DomainRecord | None, SpeakerRecord | None]:
        """See `TenantStore`."""
        keys = [domain_key(domain), speaker_key(domain, speaker)]
        items = {item["item"]["S"]: item for item in self._read(keys)}
        found_domain, found_speaker = (items.get(key["item"]["S"]) for key in keys)
        return (
            read_domain(found_domain) if found_domain else None,
            read_speaker(found_speaker) if found_speaker else None,
        )

    def put_speaker(self, record: SpeakerRecord) -> None:
        """See `TenantStore`."""
        domain_stands: Any = {
            "TableName": self._table,
            "Key": domain_key(record.domain),
            "ConditionExpression": "deleting = :no",
            "ExpressionAttributeValues": {":no": {"BOOL": False}},
        }
        put: Any = {
            "TableName": self._table,
            "Item": write_speaker(record),
            **_follows_same(record),
        }
        for _ in _attempts():
            with suppress(Throttled), translated_errors():
                self._client.transact_write_items(TransactItems=[{"ConditionCheck": domain_stands}, {"Put": put}])
                return
        raise StoreUnavailable

    def _read(self, keys: list[Item]) -> list[Item]:
        """Reads items together, and again those that were left out."""
        found: list[Item] = []
        wanted: Any = {self._table: {"Keys": keys, "ConsistentRead": True}}
        for _ in _attempts():
            with translated_errors():
                answer = self._client.batch_get_item(RequestItems=wanted)
            found += answer["Responses"].get(self._table, [])
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                return found
        raise StoreUnavailable

    def delete_speaker(self, domain: str, speaker: str) -> bool:
        """See `TenantStore`."""
        with translated_errors():
            answer = self._client.delete_item(
                TableName=self._table, Key=speaker_key(domain, speaker), ReturnValues="ALL_OLD"
            )
        return "Attributes" in answer

    def list_speakers(self, domain: str, after: str | None, limit: int) -> SpeakerPage:
        """See `TenantStore`."""
        start: Any = {"ExclusiveStartKey": speaker_key(domain, after)} if after else {}
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#domain = :domain AND begins_with(#item, :prefix)",
                ExpressionAttributeNames={"#domain": "domain", "#item": "item"},
                ExpressionAttributeValues={":domain": {"S": domain}, ":prefix": {"S": SPEAKER_PREFIX}},
                ConsistentRead=True,
                Limit=limit,
                **start,
            )
        speakers = [read_speaker(item) for item in answer["Items"]]
        return SpeakerPage(speakers, speakers[-1].speaker if "LastEvaluatedKey" in answer and speakers else None)


class DynamoDecisionLog:
    """`DecisionLog` on a table with partition key `domain` and sort key `decision_id`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def append(self, domain: str, document: Mapping[str, Any], expires_at: datetime) -> Mapping[str, Any]:
        """See `DecisionLog`."""
        item: Item = {
            "domain": {"S": domain},
            "decision_id": {"S": document["decision_id"]},
            "decision": {"S": document["decision"]},
            "document": {"S": json.dumps(document)},
            "expires_at": {"N": str(int(expires_at.timestamp()))},
        }
        try:
            with translated_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(decision_id)",
                )
        except VersionConflict as conflict:
            stored = self.read(domain, document["decision_id"])
            if stored is None:
                raise StoreUnavailable from conflict
            return stored
        return document

    def read(self, domain: str, decision_id: str) -> Mapping[str, Any] | None:
        """See `DecisionLog`."""
        key: Item = {"domain": {"S": domain}, "decision_id": {"S": decision_id}}
        with translated_errors():
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return json.loads(answer["Item"]["document"]["S"]) if "Item" in answer else None


def follows(version: int) -> dict[str, Any]:
    """Condition of a put: version n is written over version n - 1, and version 1 over nothing."""
    return {
        "ConditionExpression": FOLLOWS,
        "ExpressionAttributeNames": NAMES,
        "ExpressionAttributeValues": {":previous": {"N": str(version - 1)}, ":none": {"N": "0"}},
    }


def _follows_same(record: DomainRecord | SpeakerRecord) -> dict[str, Any]:
    """Condition of a put that must not be misled by a record that was deleted and made again meanwhile."""
    condition = follows(record.version)
    return {
        **condition,
        "ConditionExpression": f"{FOLLOWS} AND {SAME}",
        "ExpressionAttributeValues": condition["ExpressionAttributeValues"] | _created(record),
    }


def _created(record: DomainRecord | SpeakerRecord) -> Item:
    return {":created_at": {"S": record.created_at.isoformat()}}


def _attempts() -> Iterator[None]:
    """Yields for each attempt, and pauses in between: full jitter, to spread the load."""
    started = time.monotonic()
    yield
    for _ in range(ATTEMPTS - 1):
        if time.monotonic() - started > PATIENCE_SECONDS:
            return
        time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311, spreads load, protects nothing
        yield


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turns the outcomes of conditions into the port's exceptions, and everything else into `Unavailable`."""
    try:
        yield
    except ClientError as error:
        raise _translated(error) from error
    except BotoCoreError as error:
        raise StoreUnavailable() from error


def _translated(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        return VersionConflict()
    if code == "TransactionCanceledException":
        return _cancelled([reason.get("Code") for reason in error.response.get("CancellationReasons", [])])
    if code == "TransactionConflictException":
        return VersionConflict()
    return StoreUnavailable()


def _cancelled(reasons: list[str | None]) -> Exception:
    """Reads a cancelled `put_speaker`: the domain's condition comes first, the speaker's second."""
    if reasons and reasons[0] == "ConditionalCheckFailed":
        return DomainChanged()
    if {"ConditionalCheckFailed", "TransactionConflict"}.intersection(reasons):
        return VersionConflict()
    if {"ThrottlingError", "ProvisionedThroughputExceeded"}.intersection(reasons):
        return Throttled()
    return StoreUnavailable()
