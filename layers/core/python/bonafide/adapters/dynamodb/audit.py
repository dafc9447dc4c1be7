"""The audit trail in DynamoDB, in the table of domains.

Partition key `domain`, which is `audit#<domain>`, or `audit#` for the stage; sort key `item`, which is the position of
an act as it was asked for, and the same with `#ended` as it ended.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bonafide.access.audit import ActPage, AdministrativeAct
from bonafide.adapters.dynamodb.conditions import NOT_WRITTEN, Item, translated_errors
from bonafide.ports.stores import VersionConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# No domain can have such a name. Roles that write here may delete nothing here.
AUDIT_PARTITION = "audit#"
ENDED = "#ended"
# Seven years, the longest of the usual periods for records of access.
KEPT = timedelta(days=2557)


class DynamoAuditTrail:
    """`AuditTrail` on the table of domains."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def append(self, act: AdministrativeAct) -> None:
        """See `AuditTrail`."""
        with suppress(VersionConflict), translated_errors():
            self._client.put_item(TableName=self._table, Item=act_item(act), **NOT_WRITTEN)

    def acts(self, domain: str | None, before: str | None, limit: int) -> ActPage:
        """See `AuditTrail`."""
        # Two items for each act, and one more, which tells whether there is another page.
        most = 2 * limit + 1
        found = self._items(domain, before, most)
        acts = list(_merged(domain, found))
        more = len(acts) > limit or len(found) == most
        shown = acts[:limit]
        return ActPage(shown, shown[-1].position if more and shown else None)

    def _items(self, domain: str | None, before: str | None, limit: int) -> Sequence[Item]:
        # Every position begins with a digit.
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#domain = :audit AND #item < :before",
                ExpressionAttributeNames={"#domain": "domain", "#item": "item"},
                ExpressionAttributeValues={":audit": {"S": partition(domain)}, ":before": {"S": before or ":"}},
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=limit,
            )
        return answer["Items"]


def partition(domain: str | None) -> str:
    """Returns the partition of a domain's trail, or of the stage's."""
    return AUDIT_PARTITION + (domain or "")


def act_item(act: AdministrativeAct) -> Item:
    """Turns an act into an item."""
    ended = ENDED if act.status is not None else ""
    return {
        "domain": {"S": partition(act.domain)},
        "item": {"S": act.position + ended},
        "document": {"S": json.dumps(act.to_document())},
        "expires_at": {"N": str(int((act.at + KEPT).timestamp()))},
    }


def _merged(domain: str | None, items: Sequence[Item]) -> Iterator[AdministrativeAct]:
    """Yields each act once: as it ended, which comes first, or as it was asked for if no end was written."""
    last = ""
    for item in items:
        position = item["item"]["S"].removesuffix(ENDED)
        if position != last:
            document: dict[str, Any] = json.loads(item["document"]["S"])
            yield AdministrativeAct.from_document(domain, document)
        last = position
