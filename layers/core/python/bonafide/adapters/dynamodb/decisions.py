"""Decisions in DynamoDB: partition key `domain`, sort key `decision_id`.

The index `by_time` has partition key `domain` and sort key `decided_at`, and the attributes that a list is filtered by.
It holds no documents: those of a page are read from the table. The index `by_speaker` leads an erasure to the decisions
on a speaker; those of earlier releases are not in it. The index `labeled` holds those on whose outcome there are
statements: sets beside the document, to which is only added, so that they come and go with the decision.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import BatchReader, Item, translated_errors
from bonafide.adapters.dynamodb.items import document_of
from bonafide.adapters.protection.decisions import SEALED, joined, split
from bonafide.adapters.protection.templates import TemplateProtection
from bonafide.errors import StoreUnavailable
from bonafide.ports.stores import VersionConflict
from bonafide.records import StoredForm
from bonafide.records.decision import DecisionRecord
from bonafide.records.decision_page import DecisionFilter, DecisionPage, DecisionPosition
from bonafide.records.ledger.entry import StoredDecision
from bonafide.records.outcomes.statement import OutcomeStatement, outcome_history

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BY_TIME = "by_time"
LABELED = "labeled"
CLAIMED = "claimed_speaker"
# Statements on the outcome, and references to where they are known from: what leads to the person is apart.
OUTCOMES, SOURCES = "outcomes", "outcome_sources"
# A filtered list looks at this many decisions a query, and makes this many queries a request: then the page ends.
SEARCHED = 2000
MOST_QUERIES = 10
# Times are compared as text, so all have the same length.
TICK = timedelta(microseconds=1)


class DynamoDecisionStore:
    """`DecisionStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table: str, protection: TemplateProtection | None = None) -> None:
        """Stores its dependencies.

        Args:
            client: of DynamoDB.
            table: of decisions.
            protection: of what decisions know of voices; without it that is not read, and written plain.
        """
        self._client = client
        self._table = table
        self._protection = protection
        self._batches = BatchReader(client, table)

    def append(self, record: DecisionRecord, expires_at: datetime) -> DecisionRecord:
        """See `DecisionStore`."""
        try:
            with translated_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item=self._item(record, expires_at),
                    ConditionExpression="attribute_not_exists(decision_id)",
                )
        except VersionConflict as conflict:
            stored = self._stored(record.domain, record.decision_id or "")
            if stored is None:
                raise StoreUnavailable from conflict
            return self._record(stored)
        return record

    def read(self, domain: str, decision_id: str) -> DecisionRecord | None:
        """See `DecisionStore`."""
        item = self._stored(domain, decision_id)
        return self._record(item) if item and _is_kept(item) else None

    def list(self, domain: str, selection: DecisionFilter, after: DecisionPosition | None, limit: int) -> DecisionPage:
        """See `DecisionStore`."""
        found: list[DecisionPosition] = []
        for _ in range(MOST_QUERIES):
            positions, after = self._query(domain, selection, after, limit + 1)
            found += positions
            if after is None or len(found) > limit:
                break
        if len(found) > limit:
            found, after = found[:limit], found[limit - 1]
        return DecisionPage(self._whole(domain, found), after)

    def add_outcome(self, record: DecisionRecord, statement: OutcomeStatement, most: int) -> None:
        """See `DecisionStore`."""
        source = json.dumps([statement.statement_id, statement.source])
        added: Item = {
            ":outcomes": {"SS": [json.dumps(statement.to_document(), sort_keys=True)]},
            **({":sources": {"SS": [source]}} if statement.source else {}),
        }
        with translated_errors():
            self._client.update_item(
                TableName=self._table,
                Key=decision_key(record.domain, record.decision_id or ""),
                UpdateExpression="SET labeled_at = :at ADD outcomes :outcomes"
                + (", outcome_sources :sources" if statement.source else ""),
                # Releases before the index of speakers wrote no claim.
                ConditionExpression="attribute_exists(decision_id) AND (attribute_not_exists(claim) OR claim = :claim)"
                " AND (attribute_not_exists(outcomes) OR size(outcomes) < :most)",
                ExpressionAttributeValues={
                    **added,
                    ":at": {"S": written_time(record.decided_at)},
                    ":claim": {"S": _claim(record)},
                    ":most": {"N": str(most)},
                },
            )

    def labeled(
        self, domain: str, begin: datetime, end: datetime, after: DecisionPosition | None, limit: int
    ) -> DecisionPage:
        """See `DecisionStore`."""
        start: Any = {"ExclusiveStartKey": _labeled_key(domain, after)} if after else {}
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                IndexName=LABELED,
                ScanIndexForward=False,
                Limit=limit,
                KeyConditionExpression="#domain = :domain AND labeled_at BETWEEN :begin AND :end",
                ExpressionAttributeNames={"#domain": "domain"},
                ExpressionAttributeValues=_between(domain, begin, end),
                **start,
            )
        last: Any = answer.get("LastEvaluatedKey")
        return DecisionPage(
            self._whole(domain, map(_labeled_position, answer["Items"])), last and _labeled_position(last)
        )

    def _whole(self, domain: str, found: Iterable[DecisionPosition]) -> Sequence[DecisionRecord]:
        """Reads what an index names; it still has decisions whose retention is over."""
        names = [each.decision_id for each in found]
        items = self._batches.read([decision_key(domain, each) for each in names])
        records = {each["decision_id"]["S"]: self._record(each) for each in items if _is_kept(each)}
        return [records[each] for each in names if each in records]

    def positions(self, domain: str, begin: datetime, end: datetime) -> Iterator[DecisionPosition]:
        """See `DecisionIndex`."""
        after: DecisionPosition | None = None
        while True:
            found, after = self._query(domain, DecisionFilter(begin, end), after, SEARCHED)
            yield from found
            if after is None:
                return

    def stored(self, domain: str, names: Sequence[str]) -> Mapping[str, StoredDecision]:
        """See `DecisionIndex`."""
        # No key can be empty: DynamoDB refuses the whole batch.
        items = self._batches.read([decision_key(domain, each) for each in names if each])
        return {each["decision_id"]["S"]: StoredDecision(document_of(each), _expiry(each)) for each in items}

    def _query(
        self, domain: str, selection: DecisionFilter, after: DecisionPosition | None, wanted: int
    ) -> tuple[Sequence[DecisionPosition], DecisionPosition | None]:
        start: Any = {"ExclusiveStartKey": _index_key(domain, after)} if after else {}
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                IndexName=BY_TIME,
                ScanIndexForward=False,
                Limit=SEARCHED if selection.is_filtered else wanted,
                **_conditions(domain, selection),
                **start,
            )
        last: Any = answer.get("LastEvaluatedKey")
        return [_position(item) for item in answer["Items"]], _position(last) if last else None

    def _stored(self, domain: str, decision_id: str) -> Item | None:
        with translated_errors():
            answer = self._client.get_item(
                TableName=self._table, Key=decision_key(domain, decision_id), ConsistentRead=True
            )
        return answer.get("Item")

    def _item(self, record: DecisionRecord, expires_at: datetime) -> Item:
        document, sealed = split(self._protection, record)
        return {
            **decision_key(record.domain, record.decision_id or ""),
            "decision": {"S": str(record.judgement.decision)},
            "decided_at": {"S": written_time(record.decided_at)},
            **_of_speaker(record, document),
            **sealed,
            "expires_at": {"N": str(int(expires_at.timestamp()))},
        }

    def _record(self, item: Item) -> DecisionRecord:
        record = replace(DecisionRecord.from_document(document_of(item)), outcomes=_outcomes(item))
        return joined(self._protection, record, item)


def _conditions(domain: str, selection: DecisionFilter) -> dict[str, Any]:
    values = _between(domain, selection.begin, selection.end)
    filters: list[str] = []
    for name, value in ((CLAIMED, selection.speaker), ("decision", selection.decision)):
        if value is not None:
            values[f":{name}"] = {"S": str(value)}
            filters.append(f"{name} = :{name}")
    return {
        "KeyConditionExpression": "#domain = :domain AND decided_at BETWEEN :begin AND :end",
        "ExpressionAttributeNames": {"#domain": "domain"},
        "ExpressionAttributeValues": values,
        **({"FilterExpression": " AND ".join(filters)} if filters else {}),
    }


def _between(domain: str, begin: datetime, end: datetime) -> Item:
    # BETWEEN includes its upper bound.
    times = {":begin": {"S": written_time(begin)}, ":end": {"S": written_time(end - TICK)}}
    return {":domain": {"S": domain}, **times}


def _outcomes(item: Item) -> tuple[OutcomeStatement, ...]:
    """Returns the history of the statements beside a decision."""
    sources = dict(json.loads(each) for each in item.get(SOURCES, {}).get("SS", ()))
    documents = [json.loads(each) for each in item.get(OUTCOMES, {}).get("SS", ())]
    return outcome_history(OutcomeStatement.from_document(each, sources.get(each["id"])) for each in documents)


def unlinked_item(item: Item) -> Item:
    """Returns the item of a decision without all that leads to the person."""
    kept = {name: value for name, value in item.items() if name not in (CLAIMED, SEALED, SOURCES)}
    record = DecisionRecord.from_document(document_of(item)).unlinked()
    return {**kept, **_of_speaker(record, record.to_document())}


def _of_speaker(record: DecisionRecord, document: StoredForm) -> Item:
    """Returns the attributes that change when a decision is unlinked from its speaker."""
    return {
        "claim": {"S": _claim(record)},
        **({CLAIMED: {"S": record.speaker}} if record.speaker else {}),
        "document": {"S": json.dumps(document)},
    }


def _claim(record: DecisionRecord) -> str:
    """Returns the sort key of the index `by_speaker`, which changes when a decision is unlinked."""
    return f"{record.speaker or ''}#{written_time(record.decided_at)}#{record.decision_id}"


def _is_kept(item: Item) -> bool:
    """Tells whether the retention goes on: DynamoDB deletes up to days after it."""
    return int(item["expires_at"]["N"]) > time.time()


def _expiry(item: Item) -> datetime:
    return datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC)


def decision_key(domain: str, decision_id: str) -> Item:
    """Returns the key of a decision."""
    return {"domain": {"S": domain}, "decision_id": {"S": decision_id}}


def _index_key(domain: str, position: DecisionPosition) -> Item:
    return {**decision_key(domain, position.decision_id), "decided_at": {"S": written_time(position.decided_at)}}


def _labeled_key(domain: str, position: DecisionPosition) -> Item:
    return {**decision_key(domain, position.decision_id), "labeled_at": {"S": written_time(position.decided_at)}}


def _labeled_position(item: Item) -> DecisionPosition:
    return DecisionPosition(datetime.fromisoformat(item["labeled_at"]["S"]), item["decision_id"]["S"])


def _position(item: Item) -> DecisionPosition:
    return DecisionPosition(datetime.fromisoformat(item["decided_at"]["S"]), item["decision_id"]["S"])


def written_time(at: datetime) -> str:
    """Returns a time as the index sorts it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
