"""Erasure of sessions with their evidence.

The index `by_speaker` leads to the sessions that claim a speaker. An item `erased` takes the place of an erased one for
a while, so that rows are found that scoring wrote when it had just read the session.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import Item, is_version, translated_errors
from bonafide.adapters.dynamodb.session_items import (
    KEPT,
    SESSION_ITEM,
    claim_attributes,
    claimed_key,
    item_key,
    read_session,
    seconds,
    session_item,
)
from bonafide.adapters.erasure.claims import ClaimsIndex
from bonafide.adapters.erasure.partitions import Partitions
from bonafide.ports.erasure import ErasedStep
from bonafide.records.erasure import IN_FLIGHT, ErasureSubject
from bonafide.records.session import SessionRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ERASED_ITEM = "erased"


class SessionErasing:
    """`ErasableStore` of sessions: claims, references to calls, embeddings of chunks."""

    name = "sessions"

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        delete: Callable[[SessionRecord], None],
        forget: Callable[[SessionRecord], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Stores its dependencies.

        Args:
            client: of DynamoDB.
            table: of sessions.
            delete: deletes a session as it was read, with its key.
            forget: deletes audio of the session that waits elsewhere.
            clock: a wall clock.
        """
        self._client = client
        self._clock = clock
        self._table = table
        self._claims = ClaimsIndex(client, table)
        self._items = Partitions(client, table, "session", "item")
        self._delete = delete
        self._forget = forget

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """See `ErasableStore`."""
        claims, after_these = self._claims.page(subject, after)
        steps = [self._partition(subject, each["session"]["S"]) for each in claims]
        return ErasedStep(sum(each.erased for each in steps), after_these, any(each.waits for each in steps))

    def _partition(self, subject: ErasureSubject, partition: str) -> ErasedStep:
        session = self._get(partition, SESSION_ITEM)
        if session:
            record = read_session(session)
            if not _is_meant(subject, record):
                return self._without_name(subject, record)
            self._forget(record)
            self._replace(record)
        return ErasedStep(self._rows(partition) + bool(session), None, self._waits(partition))

    def _without_name(self, subject: ErasureSubject, record: SessionRecord) -> ErasedStep:
        """Takes the name of a speaker who was claimed before another one out of a session, which goes on."""
        name = subject.speaker or ""
        if name not in record.claims or record.started_at >= subject.before or record.speaker == name:
            return ErasedStep(0, None)
        # Its place is kept, so that the limit of claims still holds.
        claims = tuple("" if each == name else each for each in record.claims)
        changed = session_item(record.next(claims=claims))
        with translated_errors():
            self._client.put_item(TableName=self._table, Item=changed, **is_version(record.version))
        self._items.delete_items([claimed_key(record, name)])
        return ErasedStep(1, None)

    def _replace(self, record: SessionRecord) -> None:
        """Puts the item first that leads to the rows, then deletes the session: whoever changes it now fails."""
        mark = {
            **item_key(record, ERASED_ITEM),
            **claim_attributes(record, record.speaker),
            "erased_at": {"N": seconds(self._clock())},
            "expires_at": {"N": seconds(record.expires_at + KEPT)},
        }
        with translated_errors():
            self._client.put_item(TableName=self._table, Item=mark)
        self._delete(record)

    def _rows(self, partition: str) -> int:
        """Deletes all that a session wrote; returns how many items."""
        erased = 0
        while found := [key for key in self._items.page(partition)[0] if key["item"]["S"] != ERASED_ITEM]:
            erased += self._items.delete_items(found)
        return erased

    def _waits(self, partition: str) -> bool:
        """Tells whether rows may still come; if not, deletes the item that leads to them."""
        mark = self._get(partition, ERASED_ITEM)
        if mark and int(mark["erased_at"]["N"]) + IN_FLIGHT.total_seconds() > self._clock().timestamp():
            return True
        self._items.delete_items([mark] if mark else [])
        return False

    def _get(self, partition: str, item: str) -> Item | None:
        key = {"session": {"S": partition}, "item": {"S": item}}
        with translated_errors():
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return answer.get("Item")


def _is_meant(subject: ErasureSubject, record: SessionRecord) -> bool:
    """Tells whether the session is one of the subject, and not of a successor or of another speaker by now."""
    return subject.speaker in {None, record.speaker} and record.started_at < subject.before
