"""Reports on voices that are enrolled twice, beside the watchlists of their domain; and their erasure."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.adapters.dynamodb.items import WATCHLIST_PARTITION, document_of
from bonafide.adapters.watchlists.items import written_time
from bonafide.errors import StoreUnavailable
from bonafide.ports.erasure import ErasedStep
from bonafide.ports.stores import VersionConflict
from bonafide.records.domain import DomainRecord
from bonafide.records.erasure import ErasureSubject
from bonafide.records.watchlists.double import DoubleEnrollmentReport

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REPORT_ITEM = "double-enrollments"
REPORTS_KEPT = timedelta(days=3)
ATTEMPTS = 10


class DynamoDoubleEnrollmentStore:
    """`DoubleEnrollmentStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put_report(self, report: DoubleEnrollmentReport) -> None:
        """See `DoubleEnrollmentStore`."""
        # A search that ended later wrote over it.
        with suppress(VersionConflict):
            self._put(report, "attribute_not_exists(#stored) OR #stored <= :known", "at", written_time(report.at))

    def report(self, domain: DomainRecord) -> DoubleEnrollmentReport | None:
        """See `DoubleEnrollmentStore`."""
        item = self._item(domain.domain)
        found = _report(item) if item else None
        return found if found and found.since == domain.created_at else None

    def take_out(self, domain: str, speaker: str) -> int:
        """See `DoubleEnrollmentStore`."""
        for _ in range(ATTEMPTS):
            item = self._item(domain)
            if item is None:
                return 0
            found = _report(item)
            left = found.without(speaker)
            if left == found:
                return 0
            # Somebody else may have taken out another speaker, or written a later report.
            with suppress(VersionConflict):
                self._put(left, "#stored = :known", "document", item["document"])
                return len(found.pairs) - len(left.pairs)
        raise StoreUnavailable

    def _item(self, domain: str) -> Item | None:
        with translated_errors():
            return self._client.get_item(TableName=self._table, Key=_key(domain), ConsistentRead=True).get("Item")

    def _put(self, report: DoubleEnrollmentReport, condition: str, stored: str, known: Any) -> None:
        """Writes a report where a stored attribute meets a condition.

        Raises:
            VersionConflict: it does not.
        """
        item = {
            **_key(report.domain),
            "at": written_time(report.at),
            "document": {"S": json.dumps(report.to_document())},
            "expires_at": {"N": str(int((report.at + REPORTS_KEPT).timestamp()))},
        }
        with translated_errors():
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#stored": stored},
                ExpressionAttributeValues={":known": known},
            )


class DoubleEnrollmentErasing:
    """`ErasableStore` of reports: what names a speaker is taken out; a domain's goes with its watchlists."""

    name = "double_enrollments"

    def __init__(self, store: DynamoDoubleEnrollmentStore) -> None:
        self._store = store

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """See `ErasableStore`."""
        del after
        return ErasedStep(self._store.take_out(subject.domain, subject.speaker) if subject.speaker else 0, None)


def _report(item: Item) -> DoubleEnrollmentReport:
    return DoubleEnrollmentReport.from_document(document_of(item))


def _key(domain: str) -> Item:
    return {"domain": {"S": WATCHLIST_PARTITION + domain}, "item": {"S": REPORT_ITEM}}
