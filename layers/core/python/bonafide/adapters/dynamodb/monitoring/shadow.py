"""Results of the shadow in the table of sessions: partition `#shadow#<domain>`, sort key `result#<time>#<decision>`."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.adapters.dynamodb.items import document_of
from bonafide.adapters.dynamodb.ranges import RangeReader
from bonafide.adapters.dynamodb.session_items import seconds
from bonafide.records.shadow import ShadowResult

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RESULT = "result#"


class DynamoShadowResults:
    """`ShadowResults` on one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._ranges = RangeReader(client, table)

    def put(self, result: ShadowResult, expires_at: datetime) -> None:
        """See `ShadowResults`."""
        key = result_key(result.domain, result.decided_at, f"#{result.decision_id}")
        document, expires = {"S": json.dumps(result.to_document())}, {"N": seconds(expires_at)}
        with translated_errors():
            self._client.put_item(TableName=self._table, Item={**key, "document": document, "expires_at": expires})

    def results(self, domain: str, begin: datetime, limit: int) -> Sequence[ShadowResult]:
        """See `ShadowResults`."""
        items = self._ranges.newest(result_key(domain, begin, ""), RESULT, limit)
        return [ShadowResult.from_document(document_of(each)) for each in items]


def shadow_partition(domain: str) -> str:
    """Returns the partition of a domain's results."""
    return f"#shadow#{domain}"


def result_key(domain: str, at: datetime, end: str) -> Item:
    """Returns the key of the result on a decision of that time, or where the results since then begin."""
    written = at.astimezone(UTC).isoformat(timespec="microseconds")
    return {"session": {"S": shadow_partition(domain)}, "item": {"S": f"{RESULT}{written}{end}"}}
