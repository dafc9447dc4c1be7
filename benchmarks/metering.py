"""Counts the use of AWS by functions, in the units that AWS bills, as a proxy before the emulator.

DynamoDB: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html and, for the size
of an item, https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

import base64
import json
import math
import threading
from collections.abc import Mapping
from typing import Any

from local.aws.relay import Relay, RelayAnswer, RelayRequest

READ_BYTES = 4096
WRITE_BYTES = 1024
KINESIS_BYTES = 25 * 1024

type Document = Mapping[str, Any]
type Units = Mapping[str, float]


class Meter:
    """Counts the requests that a relay forwards.

    Attributes:
        relay: that forwards the requests.
        used: units so far, by their names in docs/operations/prices.json.
        requests: how many there were.
    """

    def __init__(self) -> None:
        self.relay = Relay(self.count)
        self.used: dict[str, float] = {}
        self.requests = 0
        self._lock = threading.Lock()

    def count(self, request: RelayRequest, answer: RelayAnswer) -> None:
        """Adds the units of one request."""
        service, _, operation = request.target.partition(".")
        if not service:
            used = s3_units(request)
        elif service.startswith("DynamoDB"):
            used = dynamodb_units(operation, json.loads(request.body), json.loads(answer.body or b"{}"))
        else:
            used = kinesis_units(operation, json.loads(request.body))
        with self._lock:
            self.requests += 1
            self.used.update({name: self.used.get(name, 0.0) + units for name, units in used.items()})


def s3_units(request: RelayRequest) -> Units:
    """Returns one request of its price class: listing costs as much as writing, and deleting nothing."""
    if request.method == "DELETE" or request.path.endswith("?delete"):
        return {}
    reads = request.method in {"GET", "HEAD"} and "list-type=" not in request.path
    return {"s3_gets" if reads else "s3_puts": 1.0}


def kinesis_units(operation: str, request: Document) -> Units:
    """Returns the PUT payload units of one request."""
    if operation != "PutRecord":
        return {}
    size = len(base64.b64decode(request["Data"])) + len(request["PartitionKey"])
    return {"kinesis_puts": math.ceil(size / KINESIS_BYTES)}


def dynamodb_units(operation: str, request: Document, answer: Document) -> Units:
    """Returns the request units of one request; a refused write counts like a successful one."""
    match operation:
        case "GetItem":
            return {"dynamodb_reads": _read([answer.get("Item", {})], request)}
        case "Query":
            together = sum(item_size(item) for item in answer.get("Items", []))
            return {"dynamodb_reads": _units(together, READ_BYTES) * _consistency(request)}
        case "BatchGetItem":
            found = answer.get("Responses", {})
            tables = request["RequestItems"].items()
            return {"dynamodb_reads": sum(_batch(found.get(table, []), asked) for table, asked in tables)}
        case "TransactWriteItems":
            parts = [part for each in request["TransactItems"] for part in each.values()]
            return {"dynamodb_writes": sum(2 * _written(part) for part in parts)}
        case "PutItem" | "UpdateItem" | "DeleteItem":
            return {"dynamodb_writes": _written(request), **_stored(request)}
    raise NotImplementedError(operation)


def _batch(found: list[Document], asked: Document) -> float:
    missing: list[Document] = [{}] * (len(asked["Keys"]) - len(found))
    return _read([*found, *missing], asked)


def _read(items: list[Document], request: Document) -> float:
    return sum(_units(item_size(item), READ_BYTES) for item in items) * _consistency(request)


def _consistency(request: Document) -> float:
    return 1 if request.get("ConsistentRead") else 0.5


def _written(request: Document) -> int:
    """Returns the units of one write, and of its row in an index: of due sessions, decisions by time, or speakers."""
    item = request.get("Item") or {**request.get("Key", {}), **request.get("ExpressionAttributeValues", {})}
    indexed = {"due_at", "decided_at", "summary"} & request.get("Item", {}).keys()
    return _units(item_size(item), WRITE_BYTES) + len(indexed)


def _stored(request: Document) -> Units:
    """Returns the bytes of a decision, which is kept for a year unless its domain says otherwise."""
    item = request.get("Item", {})
    return {"decision_bytes": item_size(item)} if "decided_at" in item else {}


def _units(size: int, unit: int) -> int:
    return max(1, math.ceil(size / unit))


def item_size(item: Document) -> int:
    """Returns the bytes of an item as DynamoDB counts them: names and values."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Document) -> int:
    """Returns the bytes of one value in its typed form, such as `{"S": "x"}`."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(base64.b64decode(content))
        case "N":
            digits = len(content.strip("-").replace(".", ""))
            return math.ceil(digits / 2) + 1 + int(content.startswith("-"))
        case "L":
            return 3 + sum(1 + value_size(each) for each in content)
        case "M":
            return 3 + item_size(content) + len(content)
    return 1
