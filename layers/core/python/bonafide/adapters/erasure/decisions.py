"""Erasure of decisions, as the domain's settings say, and of what is stored under their names.

Those on a speaker are found by the index `by_speaker`. Decisions of releases that did not write its keys are the oldest
of a domain: they are searched for by time, until one is found that has them.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.adapters.dynamodb.decisions import BY_TIME, CLAIMED, SOURCES, decision_key, unlinked_item, written_time
from bonafide.adapters.erasure.claims import ClaimsIndex
from bonafide.adapters.protection.decisions import SEALED
from bonafide.ports.erasure import ErasedStep
from bonafide.records.domain import ErasedDecisions
from bonafide.records.erasure import ErasureSubject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Decisions that a step looks at, and of which it deletes or unlinks all.
SEARCHED = 2000
DELETED = 50
# No audio waits for the shadow for longer.
WAITING = timedelta(hours=3)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Where the search for decisions of earlier releases begins, and goes on: no key of the index looks like this.
OLDER = "older"


class DecisionErasing:
    """`ErasableStore` of decisions."""

    name = "decisions"

    def __init__(self, client: "DynamoDBClient", table: str, forget: Callable[[str, str, datetime], None]) -> None:
        """Stores its dependencies.

        Args:
            client: of DynamoDB.
            table: of decisions.
            forget: deletes what is stored elsewhere under domain, identifier and time of a decision.
        """
        self._client = client
        self._table = table
        self._claims = ClaimsIndex(client, table, DELETED)
        self._forget = forget

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """See `ErasableStore`."""
        if subject.speaker is None:
            return self._of_domain(subject, after)
        if after.startswith(OLDER):
            return self._older(subject, after.removeprefix(OLDER))
        found, last = self._claims.page(subject, after)
        erased = self._each(subject, [(each["decision_id"]["S"], _decided_at(each)) for each in found])
        return ErasedStep(erased, last or OLDER)

    def _of_domain(self, subject: ErasureSubject, after: str) -> ErasedStep:
        if subject.decisions is ErasedDecisions.KEEP:
            return ErasedStep(0, None)
        items, last = self._by_time(subject, after, Limit=DELETED)
        return ErasedStep(self._each(subject, [_found(each) for each in items]), json.dumps(last) if last else None)

    def _older(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """Looks for decisions that the index does not have: they are older than all that it has."""
        oldest, _ = ((), None) if after else self._by_time(subject, "", Limit=1)
        if not after and not any(self._is_older(each) for each in oldest):
            return ErasedStep(0, None)
        values = {":speaker": {"S": subject.speaker}}
        search: Any = {"Limit": SEARCHED, "FilterExpression": f"{CLAIMED} = :speaker"}
        items, last = self._by_time(subject, after, values, **search)
        erased = self._each(subject, [_found(each) for each in items])
        goes_on = last is not None and self._is_older(last)
        return ErasedStep(erased, OLDER + json.dumps(last) if goes_on else None)

    def _each(self, subject: ErasureSubject, found: Sequence[tuple[str, datetime]]) -> int:
        """Treats decisions as the domain says; returns how many were deleted or changed."""
        meant = [each for each in found if each[1] <= subject.before]
        for decision_id, decided_at in meant:
            # What waits for the shadow is gone by itself after a while; for it, one look is enough.
            if subject.decisions is not ErasedDecisions.KEEP or decided_at > subject.at - WAITING:
                self._forget(subject.domain, decision_id, decided_at)
            if subject.decisions is not ErasedDecisions.KEEP:
                self._one(subject, decision_id)
        return 0 if subject.decisions is ErasedDecisions.KEEP else len(meant)

    def _is_older(self, key: Item) -> bool:
        """Tells whether a release wrote a decision that did not know the index."""
        item = self._get(decision_key(key["domain"]["S"], key["decision_id"]["S"]), ProjectionExpression="claim")
        return item is None or "claim" not in item

    def _by_time(
        self, subject: ErasureSubject, after: str, values: Item | None = None, **how: Any
    ) -> tuple[Sequence[Item], Any]:
        begin = subject.at - WAITING if subject.decisions is ErasedDecisions.KEEP else EPOCH
        times = {":begin": {"S": written_time(begin)}, ":end": {"S": written_time(subject.before)}}
        start: Any = {"ExclusiveStartKey": json.loads(after)} if after else {}
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                IndexName=BY_TIME,
                KeyConditionExpression="#domain = :domain AND decided_at BETWEEN :begin AND :end",
                ExpressionAttributeNames={"#domain": "domain"},
                ExpressionAttributeValues={":domain": {"S": subject.domain}, **times, **(values or {})},
                **how,
                **start,
            )
        return answer["Items"], answer.get("LastEvaluatedKey")

    def _one(self, subject: ErasureSubject, decision_id: str) -> None:
        key = decision_key(subject.domain, decision_id)
        if subject.speaker is None or subject.decisions is ErasedDecisions.ERASE:
            with translated_errors():
                self._client.delete_item(TableName=self._table, Key=key)
        elif item := self._get(key):
            self._unlink(key, unlinked_item(item))

    def _get(self, key: Item, **how: Any) -> Item | None:
        with translated_errors():
            return self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True, **how).get("Item")

    def _unlink(self, key: Item, item: Item) -> None:
        with translated_errors():
            self._client.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression=f"SET document = :document, claim = :claim REMOVE {CLAIMED}, {SEALED}, {SOURCES}",
                ExpressionAttributeValues={":document": item["document"], ":claim": item["claim"]},
                ConditionExpression="attribute_exists(decision_id)",
            )


def _decided_at(item: Item) -> datetime:
    return datetime.fromisoformat(item["claim"]["S"].rsplit("#", 2)[1])


def _found(item: Item) -> tuple[str, datetime]:
    return item["decision_id"]["S"], datetime.fromisoformat(item["decided_at"]["S"])
