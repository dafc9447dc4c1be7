"""Calls to tables, buckets and streams that fail or are slow, counted by the resource, so that an alarm can name it."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from bonafide.observability import measurements

# A call that takes longer, its repetitions included, counts as a fault. DynamoDB and Kinesis answer in milliseconds.
SLOW_SECONDS = 1.0
KEY = "bonafide.dependencies"
# Endings of the variables that tell a function the name of a resource.
KINDS = ("_TABLE", "_BUCKET", "_STREAM")
# Errors that say something about the data or the load, and nothing about the resource.
EXPECTED = {
    "DynamoDB": {"ConditionalCheckFailedException", "TransactionConflictException"},
    "Kinesis": {"ProvisionedThroughputExceededException"},
    "S3": {"404", "NoSuchKey"},
}
CONFLICTS = {"ConditionalCheckFailed", "TransactionConflict"}


class FaultCounter:
    """Follows the calls of boto3 clients by botocore's events."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        prefix = "BONAFIDE_"
        found = {name for name in environment if name.startswith(prefix) and name.endswith(KINDS)}
        self._names = {environment[name]: name.removeprefix(prefix).lower() for name in found}

    def register(self, client: Any) -> None:
        """Follows all calls of a client."""
        events = client.meta.events
        events.register("before-parameter-build", self._begin)
        events.register("after-call", self._end)
        events.register("after-call-error", self._fail)

    def _begin(self, params: Mapping[str, Any], context: dict[str, Any], **_: object) -> None:
        used = {self._names[each] for each in _resources(params) if each in self._names}
        context[KEY] = used, time.monotonic()

    def _end(self, parsed: Mapping[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
        used, began = context[KEY]
        if time.monotonic() - began > SLOW_SECONDS or _is_fault(model.service_model.service_id, parsed):
            _count(used)

    def _fail(self, context: dict[str, Any], **_: object) -> None:
        _count(context[KEY][0])


def _count(dependencies: set[str]) -> None:
    for each in dependencies:
        measurements.add_fault(each)


def _resources(params: Mapping[str, Any]) -> Iterator[str]:
    """Yields the names of the tables, buckets and streams that a call is about."""
    yield from (params[name] for name in ("TableName", "Bucket", "StreamName") if name in params)
    yield from params.get("RequestItems", ())
    for item in params.get("TransactItems", ()):
        yield from (part["TableName"] for part in item.values())


def _is_fault(service: str, parsed: Mapping[str, Any]) -> bool:
    code = parsed.get("Error", {}).get("Code")
    if code == "TransactionCanceledException":
        return not CONFLICTS.intersection(each.get("Code") for each in parsed.get("CancellationReasons", ()))
    return code is not None and code not in EXPECTED.get(service, ())
