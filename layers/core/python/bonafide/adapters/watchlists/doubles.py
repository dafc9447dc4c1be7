"""Reports on voices that are enrolled twice, beside the watchlists of their domain; and their erasure."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.adapters.dynamodb.items import WATCHLIST_PARTITION, document_of
from bonafide.adapters.watchlists.items import written_time
from bonafide.ports.erasure import ErasedStep
from bonafide.records.domain import DomainRecord
from bonafide.records.erasure import ErasureSubject
from bonafide.records.watchlists.double import DoubleEnrollmentReport

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REPORT_ITEM = "double-enrollments"
REPORTS_KEPT = timedelta(days=3)


class DynamoDoubleEnrollmentStore:
    """`DoubleEnrollmentStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put_report(self, report: DoubleEnrollmentReport) -> None:
        """See `DoubleEnrollmentStore`."""
        item = {
            **_key(report.domain),
            "at": written_time(report.at),
            "document": {"S": json.dumps(report.to_document())},
            "expires_at": {"N": str(int((report.at + REPORTS_KEPT).timestamp()))},
        }
        with translated_errors():
            self._client.put_item(TableName=self._table, Item=item)

    def report(self, domain: DomainRecord) -> DoubleEnrollmentReport | None:
        """See `DoubleEnrollmentStore`."""
        found = self.stored(domain.domain)
        return found if found and found.since == domain.created_at else None

    def stored(self, domain: str) -> DoubleEnrollmentReport | None:
        """Reads the report that is stored under the name of a domain."""
        with translated_errors():
            answer = self._client.get_item(TableName=self._table, Key=_key(domain), ConsistentRead=True)
        return DoubleEnrollmentReport.from_document(document_of(answer["Item"])) if "Item" in answer else None


class DoubleEnrollmentErasing:
    """`ErasableStore` of reports: what names a speaker is taken out; a domain's goes with its watchlists."""

    name = "double_enrollments"

    def __init__(self, store: DynamoDoubleEnrollmentStore) -> None:
        self._store = store

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """See `ErasableStore`."""
        del after
        found = self._store.stored(subject.domain) if subject.speaker else None
        if found is None or subject.speaker is None:
            return ErasedStep(0, None)
        left = found.without(subject.speaker)
        if left == found:
            return ErasedStep(0, None)
        self._store.put_report(left)
        return ErasedStep(len(found.pairs) - len(left.pairs), None)


def _key(domain: str) -> Item:
    return {"domain": {"S": WATCHLIST_PARTITION + domain}, "item": {"S": REPORT_ITEM}}
