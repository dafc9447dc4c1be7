"""Counters and histories of calls in DynamoDB; `items` describes them.

ADD puts an element into a set without reading it, and one that is there changes nothing: so calls that are counted
again, at once, or in another order are counted once, without a condition that a writer could lose by.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import BatchReader, Item, translated_errors
from bonafide.adapters.risk.items import (
    FRAUD_KEPT,
    KNOWN_KEPT,
    OF_DOMAIN,
    block_of,
    blocks_until,
    count_of,
    domain_prefix,
    known_of,
    mark_expiry,
    marks_of,
    number_key,
    owner,
    pack,
    reference_name,
    seconds,
    speaker_key,
    written_block,
)
from bonafide.biometrics.risk.velocity import (
    MOST_MARKS,
    MOST_OTHERS,
    MOST_SAMPLED,
    SURGE_BLOCK,
    SURGE_WINDOW,
    USUAL_WINDOW,
    CallHistory,
    CallMark,
)
from bonafide.ports.risk.calls import CallSubject, KnownReference, References
from bonafide.ports.stores import VersionConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KNOWN, FRAUD = "known", "fraud"
ADD = "ADD #set :added SET expires_at = :expires_at, #at = :at"
ROOM = "attribute_not_exists(#set) OR size(#set) < :most"
# Changes of items that are kept the longer the later their last call or label: with their times, and without.
REMEMBER = "SET #name = :day, #at = :at, expires_at = :expires_at", "SET #name = :day"
REPORT = "ADD calls :calls SET #at = :at, expires_at = :expires_at", "ADD calls :calls"
NOT_LATER = "(attribute_not_exists(expires_at) OR expires_at <= :expires_at)"
# Full sets that an environment has met, so that it writes to none of them again.
MOST_FULL = 1000


class DynamoCallStore:
    """`CallStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._batches = BatchReader(client, table)
        self._full: dict[tuple[str, ...], None] = {}

    def history(self, subject: CallSubject, now: datetime) -> CallHistory:
        """See `CallStore`. One BatchGetItem, strongly consistent for each item."""
        blocks = blocks_until(now)
        numbers = [number_key(subject, name) for name in (*blocks, FRAUD)] if subject.number else []
        speakers = [speaker_key(subject, name) for name in (*blocks, KNOWN)] if subject.speaker else []
        wanted = [*numbers, *speakers]
        found = {item["item"]["S"]: item for item in (self._batches.read(wanted) if wanted else ())}
        of_number = [found[key["item"]["S"]] for key in numbers[:-1] if key["item"]["S"] in found]
        of_speaker = [found[key["item"]["S"]] for key in speakers[:-1] if key["item"]["S"] in found]
        return CallHistory(
            of_number=count_of(of_number),
            of_speaker=count_of(of_speaker),
            known=known_of(found.get(speakers[-1]["item"]["S"])) if speakers else {},
            fraud=bool(numbers) and _is_reported(found.get(numbers[-1]["item"]["S"]), now),
        )

    def domain_calls(
        self, subject: CallSubject, begin: datetime, end: datetime
    ) -> Mapping[tuple[int, int], Sequence[CallMark]]:
        """See `CallStore`. Eventually consistent: it is an estimate anyway."""
        first, last = (block_of(int(at.timestamp()), SURGE_BLOCK) for at in (begin, end))
        prefix = domain_prefix(subject)
        limits = {":first": {"S": prefix + written_block(first)}, ":last": {"S": prefix + written_block(last + 1)}}
        found: list[Item] = []
        start: Any = {}
        while start is not None:
            with translated_errors():
                answer = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="#owner = :owner AND #item BETWEEN :first AND :last",
                    ExpressionAttributeNames={"#owner": "owner", "#item": "item"},
                    ExpressionAttributeValues={":owner": {"S": owner(subject.domain, OF_DOMAIN)}, **limits},
                    **start,
                )
            found += answer["Items"]
            key: Any = answer.get("LastEvaluatedKey")
            start = {"ExclusiveStartKey": key} if key else None
        return {_place(item): marks_of(item) for item in found}

    def count(self, subject: CallSubject, of_number: CallMark, of_speaker: CallMark) -> None:
        """See `CallStore`."""
        block = written_block(block_of(of_number.at))
        if subject.number:
            self._count(number_key(subject, block), of_number)
        if subject.speaker:
            self._count(speaker_key(subject, block), of_speaker)
        mark = CallMark(of_number.at, of_number.call)
        sample = f"{domain_prefix(subject)}{written_block(block_of(mark.at, SURGE_BLOCK))}#{mark.rank}"
        key = {"owner": {"S": owner(subject.domain, OF_DOMAIN)}, "item": {"S": sample}}
        expires_at = mark_expiry(mark, SURGE_BLOCK, SURGE_WINDOW + USUAL_WINDOW)
        self._add(key, mark, ("marks", pack(mark), MOST_SAMPLED), expires_at)

    def remember(self, subject: CallSubject, references: References, at: datetime, forgotten: References = ()) -> None:
        """See `CallStore`. A later day is never overwritten by an earlier one."""
        key, day = speaker_key(subject, KNOWN), {"S": at.astimezone(UTC).date().isoformat()}
        later = "(attribute_not_exists(#name) OR #name < :day)"
        for each in references:
            values = {":day": day, ":at": _time(at), ":expires_at": seconds(at + KNOWN_KEPT)}
            with suppress(VersionConflict):
                self._prolong(key, REMEMBER, {"#name": reference_name(*each)}, values, later)
        if forgotten:
            names = {f"#n{number}": reference_name(*each) for number, each in enumerate(forgotten)}
            # An item that is not there is not made.
            with suppress(VersionConflict):
                self._update(
                    key, f"REMOVE {', '.join(names)}", {**names, "#item": "item"}, {}, "attribute_exists(#item)"
                )

    def report(self, subject: CallSubject, call: str, at: datetime, *, fraud: bool) -> None:
        """See `CallStore`."""
        key, calls = number_key(subject, FRAUD), {":calls": {"SS": [call]}}
        if fraud:
            values = {**calls, ":at": _time(at), ":expires_at": seconds(at + FRAUD_KEPT)}
            self._prolong(key, REPORT, {}, values, "")
            return
        # An item that is not there is not made.
        with suppress(VersionConflict):
            self._update(key, "DELETE calls :calls", {}, calls, "attribute_exists(calls)")

    def known(self, subject: CallSubject) -> Sequence[KnownReference]:
        """See `CallStore`."""
        key = speaker_key(subject, KNOWN)
        return _listed(known_of(next(iter(self._batches.read([key])), None)))

    def _count(self, key: Item, mark: CallMark) -> None:
        """Adds a mark to a block, or if that is full only whom the call was with."""
        expires_at = mark_expiry(mark)
        if not self._add(key, mark, ("marks", pack(mark), MOST_MARKS), expires_at) and mark.other:
            self._add(key, mark, ("others", bytes.fromhex(mark.other), MOST_OTHERS), expires_at)

    def _add(self, key: Item, mark: CallMark, added: tuple[str, bytes, int], expires_at: datetime) -> bool:
        """Adds to a set, unless that is full.

        Args:
            key: of the item.
            mark: of the call.
            added: name of the set, the element, and how many it takes.
            expires_at: time from which on the item is needed no more.

        Returns:
            whether it is there now.
        """
        named, element, most = added
        name = key["owner"]["S"], key["item"]["S"], named
        if name in self._full:
            return False
        values: Item = {
            ":added": {"BS": [element]},
            ":expires_at": seconds(expires_at),
            ":at": _time(datetime.fromtimestamp(mark.at, UTC)),
            ":most": {"N": str(most)},
        }
        try:
            self._update(key, ADD, {"#at": "at", "#set": named}, values, ROOM)
        except VersionConflict:
            self._full = dict.fromkeys([*self._full, name][-MOST_FULL:])
            return False
        return True

    def _prolong(self, key: Item, changes: tuple[str, str], names: Item, values: Item, condition: str) -> None:
        """Changes an item, whose times move only forward.

        Raises:
            VersionConflict: the condition does not hold.
        """
        whole, without_times = changes
        both = f"{condition} AND {NOT_LATER}" if condition else NOT_LATER
        try:
            self._update(key, whole, {**names, "#at": "at"}, values, both)
        except VersionConflict:
            left = {name: value for name, value in values.items() if name not in {":at", ":expires_at"}}
            self._update(key, without_times, names, left, condition)

    def _update(self, key: Item, expression: str, names: Item, values: Item, condition: str = "") -> None:
        how = {
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ConditionExpression": condition,
        }
        # DynamoDB refuses empty ones.
        given: Any = {name: value for name, value in how.items() if value}
        with translated_errors():
            self._client.update_item(TableName=self._table, Key=key, UpdateExpression=expression, **given)


def _listed(known: Mapping[Any, Any]) -> Sequence[KnownReference]:
    found = [KnownReference(kind, value, last) for (kind, value), last in known.items()]
    return sorted(found, key=lambda each: (each.last, each.kind, each.hash), reverse=True)


def _is_reported(item: Item | None, now: datetime) -> bool:
    """Tells whether reports are there: DynamoDB deletes them up to days after they are over."""
    return bool(item and item.get("calls") and int(item["expires_at"]["N"]) > now.timestamp())


def _place(item: Item) -> tuple[int, int]:
    """Returns block and rank of a sample."""
    _, block, rank = item["item"]["S"].split("#")
    return int(block), int(rank)


def _time(at: datetime) -> Item:
    return {"S": at.astimezone(UTC).isoformat(timespec="microseconds")}
