"""Drift in the table of sessions: partition `#drift#<domain>`, sort key `baseline` or `window#<end>`.

No session has such a partition: it begins with the name of a domain, which holds no `#`. A window
expires; a baseline does not.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import Item, follows, translated_errors
from bonafide.adapters.dynamodb.items import document_of
from bonafide.adapters.dynamodb.ranges import RangeReader
from bonafide.adapters.dynamodb.session_items import seconds
from bonafide.biometrics.drift import DriftBaseline
from bonafide.records.drift import DriftWindow, read_baseline, written_baseline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BASELINE = "baseline"
WINDOW = "window#"


class DynamoDriftStore:
    """`DriftStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._ranges = RangeReader(client, table)

    def baseline(self, domain: str) -> DriftBaseline | None:
        """See `DriftStore`."""
        with translated_errors():
            answer = self._client.get_item(TableName=self._table, Key=_key(domain, BASELINE), ConsistentRead=True)
        return read_baseline(document_of(answer["Item"])) if "Item" in answer else None

    def put_baseline(self, domain: str, baseline: DriftBaseline) -> None:
        """See `DriftStore`."""
        version = {"N": str(baseline.version)}
        document = {"S": json.dumps(written_baseline(baseline))}
        with translated_errors():
            self._client.put_item(
                TableName=self._table,
                Item={**_key(domain, BASELINE), "version": version, "document": document},
                **follows(baseline.version),
            )

    def put_window(self, window: DriftWindow, expires_at: datetime) -> None:
        """See `DriftStore`."""
        document, expires = {"S": json.dumps(window.to_document())}, {"N": seconds(expires_at)}
        item = {**_key(window.domain, _window(window.end)), "document": document, "expires_at": expires}
        with translated_errors():
            self._client.put_item(TableName=self._table, Item=item)

    def windows(self, domain: str, begin: datetime, limit: int) -> Sequence[DriftWindow]:
        """See `DriftStore`."""
        items = self._ranges.newest(_key(domain, _window(begin)), WINDOW, limit)
        return [DriftWindow.from_document(document_of(each)) for each in items]


def _window(end: datetime) -> str:
    return f"{WINDOW}{end.astimezone(UTC).isoformat(timespec='microseconds')}"


def drift_partition(domain: str) -> str:
    """Returns the partition of a domain's drift."""
    return f"#drift#{domain}"


def _key(domain: str, item: str) -> Item:
    return {"session": {"S": drift_partition(domain)}, "item": {"S": item}}
