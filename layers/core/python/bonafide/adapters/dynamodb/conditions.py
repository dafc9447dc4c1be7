"""Conditions of writes, and the translation of their outcomes."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.errors import StoreUnavailable
from bonafide.ports.stores import VersionConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Item = dict[str, Any]

# AND binds before OR, so that a condition added with AND restricts the second half.
FOLLOWS = "attribute_not_exists(#item) AND :previous = :none OR #version = :previous"
NAMES = {"#item": "item", "#version": "version"}
# A record that was deleted and made again has the same versions once more. The first release wrote items without the
# attribute.
SAME = "(attribute_not_exists(created_at) OR created_at = :created_at)"

# The condition of a put over nothing, or over a version 0, which holds the place of a first version.
NOT_WRITTEN: dict[str, Any] = {
    "ConditionExpression": "attribute_not_exists(#item) OR #version = :none",
    "ExpressionAttributeNames": NAMES,
    "ExpressionAttributeValues": {":none": {"N": "0"}},
}

# The client repeats calls that fail as a whole; these are the attempts at parts that DynamoDB left out of a call.
ATTEMPTS = 3
LONGEST_PAUSE_SECONDS = 0.2
# No attempt begins later than this, so that the answer is in time even if the last one is slow.
PATIENCE_SECONDS = 2.0
# The most that one call reads, and writes.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
BATCH_ITEMS = 100


class Throttled(StoreUnavailable):
    """Raised when DynamoDB was too busy for a transaction and did none of it."""


class KeysUnread(StoreUnavailable):
    """Raised when DynamoDB left items out of a batch at every attempt.

    Attributes:
        keys: of the items that were not read; all others were read, or do not exist.
    """

    def __init__(self, keys: Sequence[Item]) -> None:
        super().__init__()
        self.keys = keys


class RequestRefused(StoreUnavailable):
    """Raised when DynamoDB refuses a request as invalid, as it does where an index does not exist."""


def follows(version: int) -> dict[str, Any]:
    """Returns the condition of a put: version n is written over version n - 1, and version 1 over nothing."""
    return {
        "ConditionExpression": FOLLOWS,
        "ExpressionAttributeNames": NAMES,
        "ExpressionAttributeValues": {":previous": {"N": str(version - 1)}, ":none": {"N": "0"}},
    }


def follows_same(version: int, created_at: datetime) -> dict[str, Any]:
    """Returns the condition of a put over the same record, not one that was deleted and made again meanwhile."""
    condition = follows(version)
    return {
        **condition,
        "ConditionExpression": f"{FOLLOWS} AND {SAME}",
        "ExpressionAttributeValues": condition["ExpressionAttributeValues"] | created(created_at),
    }


def is_version(version: int) -> dict[str, Any]:
    """Returns the condition of a delete: this version is stored."""
    return {
        "ConditionExpression": "#version = :version",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": {":version": {"N": str(version)}},
    }


def is_same(version: int, created_at: datetime) -> dict[str, Any]:
    """Returns the condition of a delete: this version of this record is stored."""
    return {
        "ConditionExpression": f"#version = :version AND {SAME}",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": {":version": {"N": str(version)}, **created(created_at)},
    }


def created(at: datetime) -> Item:
    """Returns the value that `SAME` compares with."""
    return {":created_at": {"S": at.isoformat()}}


def attempts() -> Iterator[None]:
    """Yields for each attempt, and pauses in between: full jitter, to spread the load."""
    started = time.monotonic()
    yield
    for _ in range(ATTEMPTS - 1):
        if time.monotonic() - started > PATIENCE_SECONDS:
            return
        time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311, spreads load, protects nothing
        yield


def transacted(call: Callable[[], object]) -> None:
    """Makes a transaction, and again while DynamoDB is too busy for it.

    Raises:
        VersionConflict: one of its conditions does not hold.
        StoreUnavailable: DynamoDB stays too busy, or does not answer.
    """
    for _ in attempts():
        with suppress(Throttled), translated_errors():
            call()
            return
    raise StoreUnavailable


class BatchReader:
    """Reads items together, of one table or of several."""

    def __init__(self, client: "DynamoDBClient", *tables: str) -> None:
        self._client = client
        self._tables = tables

    def read(self, keys: Sequence[Item]) -> Iterator[Item]:
        """Reads any number of items of the first table, and again those that DynamoDB left out.

        Raises:
            StoreUnavailable: the attempts at those that were left out are used up, and the last one read none of them.
        """
        for batch in batched(keys, BATCH_ITEMS):
            yield from self.read_each([batch])

    def read_each(self, keys: Sequence[Sequence[Item]]) -> Iterator[Item]:
        """Reads up to 100 items by their keys in each table, and again those that DynamoDB left out.

        Raises:
            StoreUnavailable: as `read`.
        """
        own = zip(self._tables, keys, strict=False)
        wanted: Mapping[str, Any] = {table: {"Keys": list(each)} for table, each in own if each}
        for _ in attempts():
            progress = True
            # Of large items an answer holds as many as fit: what leaves some out, but reads others, is no failure.
            while progress:
                with translated_errors():
                    answer = self._client.batch_get_item(
                        RequestItems={
                            table: {"Keys": own["Keys"], "ConsistentRead": True} for table, own in wanted.items()
                        }
                    )
                found = [item for items in answer["Responses"].values() for item in items]
                yield from found
                progress = bool(found)
                wanted = answer.get("UnprocessedKeys", {})
                # Before the next attempt is asked for, which pauses first.
                if not wanted:
                    return
        raise KeysUnread([key for own in wanted.values() for key in own["Keys"]])


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turns the outcomes of conditions into the port's exceptions, and every other error into `Unavailable`."""
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
        return _canceled([reason.get("Code") for reason in error.response.get("CancellationReasons", [])])
    # The release before this one writes speakers in transactions, which a single write can meet.
    if code == "TransactionConflictException":
        return VersionConflict()
    if code in {"ValidationException", "ResourceNotFoundException"}:
        return RequestRefused()
    return StoreUnavailable()


def _canceled(reasons: list[str | None]) -> Exception:
    if {"ConditionalCheckFailed", "TransactionConflict"}.intersection(reasons):
        return VersionConflict()
    if {"ThrottlingError", "ProvisionedThroughputExceeded"}.intersection(reasons):
        return Throttled()
    return StoreUnavailable()
