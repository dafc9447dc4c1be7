"""Speakers as they are stored, by what a function may do: without the table of keys, with it, or with opened keys.

A data key is made and deleted in one transaction with the voiceprints that it is for: there is never one without the
other. A speaker whose key is gone, or does not fit, is read as one who was never enrolled.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from bonafide.adapters.dynamodb.conditions import Item, Throttled, attempts, is_same, transacted, translated_errors
from bonafide.adapters.dynamodb.items import read_speaker, speaker_item, speaker_key
from bonafide.adapters.protection.items import (
    domain_key_item,
    key_attributes,
    read_data_key,
    read_reference,
    speaker_key_item,
)
from bonafide.adapters.protection.templates import (
    SealedVoiceprint,
    TemplateProtection,
    read_sealed,
    sealed_attributes,
)
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.errors import StoreUnavailable
from bonafide.ports.stores import VersionConflict
from bonafide.records import DataKey
from bonafide.records.speaker import SpeakerRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


# Makes the condition of a write.
type Condition = Callable[[], Any]


class PlainSpeakers:
    """Speakers for who has nothing to do with keys: protected voiceprints are read closed.

    Attributes:
        tables: that are read together.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self.tables: Sequence[str] = (table,)

    def keys(self, domain: str, speaker: str) -> list[Item]:
        """Returns what is to be read of the table of keys."""
        del domain, speaker
        return []

    def read(self, item: Item, key: Item | None) -> SpeakerRecord:
        """Turns a speaker's item and that of the data key into a record."""
        del key
        record, stored = read_speaker(item), read_sealed(item)
        return _with(record, [each.closed for each in stored], read_reference(item["key"], None)) if stored else record

    def put(self, record: SpeakerRecord, condition: Condition) -> None:
        """Writes a speaker on a condition, which is made last: it may reserve the speaker's place."""
        self._put(speaker_item(record), condition())

    def delete(self, record: SpeakerRecord) -> None:
        """Deletes the version of a speaker that was read."""
        with translated_errors():
            self._client.delete_item(
                TableName=self._table,
                Key=speaker_key(record.domain, record.speaker),
                **is_same(record.version, record.created_at),
            )

    def domain_key(self, domain: str) -> str | None:
        """Returns the name of the key of a domain; None if there is none."""
        del domain
        return None

    def shred(self, domain: str, name: str) -> None:
        """Deletes the key of a domain if it is the named one, so that nothing that it protects opens any more."""

    def _put(self, item: Item, condition: Any) -> None:
        with translated_errors():
            self._client.put_item(TableName=self._table, Item=item, **condition)


class ClosedSpeakers(PlainSpeakers):
    """Speakers for who may delete keys, but not open them."""

    def __init__(self, client: "DynamoDBClient", table: str, keys: str) -> None:
        super().__init__(client, table)
        self._keys = keys
        self.tables = (table, keys)

    def keys(self, domain: str, speaker: str) -> list[Item]:
        """See `PlainSpeakers`."""
        return [speaker_key_item(domain, speaker)]

    def read(self, item: Item, key: Item | None) -> SpeakerRecord:
        """See `PlainSpeakers`."""
        return self._read(item, key) or self._read_together(item)

    def _read(self, item: Item, key: Item | None) -> SpeakerRecord | None:
        """Turns a speaker's item into a record; None if the voiceprints do not open with this key."""
        record, stored, own = read_speaker(item), read_sealed(item), read_data_key(key) if key else None
        if not stored:
            return record
        named = read_reference(item["key"], own)
        opened = self._opened(record, named, stored) if named.wrapped else []
        return _with(record, opened, own) if opened else None

    def _read_together(self, item: Item) -> SpeakerRecord:
        """Reads a speaker and the key in one transaction before they are taken for lost.

        Of several tables a batch may return one item as of before a write and the other as of after it. Who took that
        for a lost voiceprint would begin a new one over it.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
        """
        record = read_speaker(item)
        own, key = speaker_key(record.domain, record.speaker), speaker_key_item(record.domain, record.speaker)
        for _ in attempts():
            with suppress(VersionConflict, Throttled), translated_errors():
                answer = self._client.transact_get_items(
                    TransactItems=[
                        {"Get": {"TableName": self._table, "Key": own}},
                        {"Get": {"TableName": self._keys, "Key": key}},
                    ]
                )
                found, of_key = (each.get("Item") for each in answer["Responses"])
                # Who was deleted meanwhile is read as of before.
                return self._read(found or item, of_key) or _lost(read_speaker(found or item))
        raise StoreUnavailable

    def put(self, record: SpeakerRecord, condition: Condition) -> None:
        """See `PlainSpeakers`. The key goes with the voiceprints."""
        if record.voiceprints:
            super().put(record, condition)
            return
        item, key = speaker_item(record), speaker_key_item(record.domain, record.speaker)
        only_if = condition()
        transacted(
            lambda: self._client.transact_write_items(
                TransactItems=cast(
                    "Any",
                    [
                        {"Put": {"TableName": self._table, "Item": item, **only_if}},
                        {"Delete": {"TableName": self._keys, "Key": key}},
                    ],
                )
            )
        )

    def delete(self, record: SpeakerRecord) -> None:
        """See `PlainSpeakers`. The key goes with the speaker."""
        own, key = speaker_key(record.domain, record.speaker), speaker_key_item(record.domain, record.speaker)
        same: Any = is_same(record.version, record.created_at)
        transacted(
            lambda: self._client.transact_write_items(
                TransactItems=cast(
                    "Any",
                    [
                        {"Delete": {"TableName": self._table, "Key": own, **same}},
                        {"Delete": {"TableName": self._keys, "Key": key}},
                    ],
                )
            )
        )

    def domain_key(self, domain: str) -> str | None:
        """See `PlainSpeakers`."""
        with translated_errors():
            found = self._client.get_item(TableName=self._keys, Key=domain_key_item(domain), ConsistentRead=True)
        return found["Item"]["current"]["S"] if "Item" in found else None

    def shred(self, domain: str, name: str) -> None:
        """See `PlainSpeakers`."""
        with suppress(VersionConflict), translated_errors():
            self._client.delete_item(
                TableName=self._keys,
                Key=domain_key_item(domain),
                ConditionExpression="#current = :name",
                ExpressionAttributeNames={"#current": "current"},
                ExpressionAttributeValues={":name": {"S": name}},
            )

    def _opened(self, record: SpeakerRecord, key: DataKey, stored: Sequence[SealedVoiceprint]) -> list[Voiceprint]:
        del record, key
        return [each.closed for each in stored]


class SealedSpeakers(ClosedSpeakers):
    """Speakers for who compares voiceprints, or makes them."""

    def __init__(self, client: "DynamoDBClient", table: str, protection: TemplateProtection) -> None:
        super().__init__(client, table, protection.keys.table)
        self._protection = protection

    def put(self, record: SpeakerRecord, condition: Condition) -> None:
        """See `PlainSpeakers`. What is sealed stays so; what is not gets a key, if that is the form to write."""
        if not record.voiceprints and record.key:
            ClosedSpeakers.put(self, record, condition)
            return
        if not record.voiceprints or not (record.key or self._protection.writes):
            PlainSpeakers.put(self, record, condition)
            return
        key = self._protection.key_of_speaker(record)
        item = speaker_item(record, sealed_attributes(key, self._protection.seal(record, key)))
        if key is record.key:
            self._put(item, condition())
        else:
            own = {**speaker_key_item(record.domain, record.speaker), **key_attributes(key)}
            self._put_with_key(item, own, condition())

    def _put_with_key(self, item: Item, key: Item, condition: Any) -> None:
        """Puts a speaker and a new key; the condition is one for both, since no key changes without its speaker."""
        transacted(
            lambda: self._client.transact_write_items(
                TransactItems=cast(
                    "Any",
                    [
                        {"Put": {"TableName": self._table, "Item": item, **condition}},
                        {"Put": {"TableName": self._keys, "Item": key}},
                    ],
                )
            )
        )

    def _opened(self, record: SpeakerRecord, key: DataKey, stored: Sequence[SealedVoiceprint]) -> list[Voiceprint]:
        return self._protection.open(record.domain, record.speaker, key, stored)


def _with(record: SpeakerRecord, voiceprints: Sequence[Voiceprint], key: DataKey | None) -> SpeakerRecord:
    return replace(record, voiceprint=voiceprints[0], newer=tuple(voiceprints[1:]), key=key)


def _lost(record: SpeakerRecord) -> SpeakerRecord:
    """Returns a speaker whose voiceprints nobody can open: who has to enroll as if never before."""
    status = SpeakerStatus.PENDING if record.status is SpeakerStatus.ENROLLED else record.status
    return replace(record, status=status, applied=(), history=())
