"""Watchlists in the table of domains, and their voices packed together in S3."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from bonafide.adapters.dynamodb.conditions import Item, transacted, translated_errors
from bonafide.adapters.dynamodb.items import WATCHLIST_PARTITION
from bonafide.adapters.watchlists.items import (
    LAST_CHANGE,
    change_of,
    entry_item,
    entry_key,
    entry_name,
    read_entry,
    read_packed,
    read_watchlist_state,
    voice_key,
    voice_name,
    watchlist_state_key,
    written_time,
)
from bonafide.adapters.watchlists.packs import VoicePacks
from bonafide.adapters.watchlists.sealing import VoiceSealing
from bonafide.biometrics.watchlists.voices import KnownVoice, KnownVoices
from bonafide.errors import StoreUnavailable
from bonafide.observability import logger
from bonafide.ports.stores import VersionConflict
from bonafide.records.domain import DomainRecord
from bonafide.records.watchlists.entry import LONGEST_KEPT, EntryPage, PackedVoices, WatchlistEntry, WatchlistState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Whoever has read voices within half of this time finds all that was removed since. Until voices are packed again, what
# says of a removal is kept as long as any voice.
REMOVALS_KEPT = timedelta(days=2)
# Rows that are opened one by one where packed voices are gone: they take 0.4 s.
MOST_READ = 2_000


class DynamoWatchlistVoices:
    """`WatchlistVoices` on one table and one bucket."""

    def __init__(self, client: "DynamoDBClient", table: str, sealing: VoiceSealing, packs: VoicePacks) -> None:
        self._client = client
        self._table = table
        self._sealing = sealing
        self._packs = packs

    def voices(self, domain: DomainRecord, state: WatchlistState, known: KnownVoices | None) -> KnownVoices:
        """See `WatchlistVoices`."""
        begun = known if known and known.version <= state.change else self._begun(domain.domain, state)
        if state.packed and begun.version < state.packed.change and state.count > MOST_READ:
            # Packed again since the state was read, or lost: the next decision reads the state anew.
            logger.error("packed voices are gone", extra={"domain": domain.domain})
            raise StoreUnavailable
        rows = self._rows(domain.domain, begun.version)
        changes = [self._voice(domain.domain, each) for each in rows]
        return begun.changed(max([state.change, *map(change_of, rows)]), changes)

    def _begun(self, domain: str, state: WatchlistState) -> KnownVoices:
        packed = self._packs.read(domain, state.packed) if state.packed else None
        return packed or KnownVoices(state.base)

    def _rows(self, domain: str, after: int, last: int = LAST_CHANGE) -> list[Item]:
        """Reads the voices that changes after one, up to the last, brought or took away, in their order."""
        with translated_errors():
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="#domain = :domain AND #item BETWEEN :first AND :last",
                ExpressionAttributeNames={"#domain": "domain", "#item": "item"},
                ExpressionAttributeValues={
                    ":domain": {"S": WATCHLIST_PARTITION + domain},
                    ":first": {"S": voice_name(after + 1)},
                    ":last": {"S": voice_name(last)},
                },
                ConsistentRead=True,
            )
            return [item for page in pages for item in page["Items"]]

    def _voice(self, domain: str, item: Item) -> KnownVoice:
        name = item["watchlist"]["S"], item["fraudster"]["S"]
        if "voiceprints" not in item:
            return KnownVoice(name)
        sealed = [bytes(each["B"]) for each in item["voiceprints"]["L"]]
        opened = self._sealing.open(domain, item["key"]["S"], change_of(item), name, sealed)
        return KnownVoice(name, tuple(opened), float(item["until"]["N"]))


class DynamoWatchlistStore(DynamoWatchlistVoices):
    """`WatchlistStore` on one table and one bucket."""

    def state(self, domain: DomainRecord) -> WatchlistState:
        """See `WatchlistStore`."""
        return read_watchlist_state(self._get(watchlist_state_key(domain.domain))).of_domain(domain.created_at)

    def entry(self, domain: str, watchlist: str, fraudster: str) -> WatchlistEntry | None:
        """See `WatchlistStore`."""
        found = self._get(entry_key(domain, watchlist, fraudster))
        return read_entry(found) if found else None

    def entries(self, domain: str, watchlist: str, after: str | None, limit: int) -> EntryPage:
        """See `WatchlistStore`."""
        partition, prefix = WATCHLIST_PARTITION + domain, entry_name(watchlist, "")
        start: Any = {"ExclusiveStartKey": entry_key(domain, watchlist, after)} if after else {}
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#domain = :domain AND begins_with(#item, :prefix)",
                ExpressionAttributeNames={"#domain": "domain", "#item": "item"},
                ExpressionAttributeValues={":domain": {"S": partition}, ":prefix": {"S": prefix}},
                ConsistentRead=True,
                Limit=limit + 1,
                **start,
            )
        # One more is read, so that no cursor leads to nothing.
        found = [read_entry(item) for item in answer["Items"]]
        return EntryPage(found[:limit], found[limit - 1].fraudster if len(found) > limit else None)

    def put(
        self, domain: DomainRecord, state: WatchlistState, entry: WatchlistEntry, voice: KnownVoice
    ) -> WatchlistState:
        """See `WatchlistStore`."""
        former = self.entry(entry.domain, entry.watchlist, entry.fraudster)
        is_new = former is None or former.change <= state.base
        changed = state.next(domain.created_at, entry.watchlist, 1 if is_new else 0)
        key = self._sealing.current(domain.domain)
        sealed = self._sealing.seal(domain.domain, key, changed.change, voice)
        expires_at = _expiry(voice.expires_at)
        brought = {
            "key": {"S": key},
            "voiceprints": {"L": [{"B": each} for each in sealed]},
            "until": {"N": repr(voice.expires_at)},
        }
        items = [entry_item(entry) | expires_at, _voice_item(entry, changed.change) | brought | expires_at]
        self._write(_update(domain, state, changed), items, [voice_key(domain.domain, former.change)] if former else [])
        return changed

    def remove(self, domain: DomainRecord, state: WatchlistState, entry: WatchlistEntry) -> WatchlistState:
        """See `WatchlistStore`."""
        changed = state.next(domain.created_at, entry.watchlist, -1)
        item = _voice_item(entry, changed.change) | _expiry((datetime.now(UTC) + LONGEST_KEPT).timestamp())
        gone = [entry_key(entry.domain, entry.watchlist, entry.fraudster), voice_key(domain.domain, entry.change)]
        self._write(_update(domain, state, changed), [item], gone)
        return changed

    def recount(self, domain: DomainRecord, state: WatchlistState, lists: Mapping[str, int]) -> None:
        """See `WatchlistStore`."""
        self._write(_update(domain, state, replace(state, change=state.change + 1, lists=lists)), [], [])

    def pack(self, domain: DomainRecord, voices: KnownVoices) -> None:
        """See `WatchlistStore`. Whatever objects the state does not name in the end are deleted."""
        packed = self._packs.write(domain.domain, self._sealing.current(domain.domain), voices)
        try:
            former = self._name(domain, packed)
        except VersionConflict:
            # Somebody packed later voices, or the domain is another one.
            former = packed
        else:
            self._release(domain.domain, former.change if former else 0, packed.change)
        self._packs.delete(domain.domain, former)

    def _name(self, domain: DomainRecord, packed: PackedVoices) -> PackedVoices | None:
        """Names packed voices in the state; returns those that it named before.

        Raises:
            VersionConflict: later ones are named, or the state is of another domain.
        """
        with translated_errors():
            answer = self._client.update_item(
                TableName=self._table,
                Key=watchlist_state_key(domain.domain),
                UpdateExpression="SET packed = :packed, packed_change = :change",
                ConditionExpression="since = :since AND (attribute_not_exists(packed) OR packed_change < :change)",
                ExpressionAttributeValues={
                    ":packed": {"S": json.dumps(packed.to_document())},
                    ":change": {"N": str(packed.change)},
                    ":since": written_time(domain.created_at),
                },
                ReturnValues="UPDATED_OLD",
            )
        return read_packed(answer.get("Attributes", {}))

    def _release(self, domain: str, after: int, last: int) -> None:
        """Lets what says of removals between two packs expire soon: the later pack has none of these voices."""
        for row in self._rows(domain, after, last):
            if "voiceprints" in row:
                continue
            with suppress(VersionConflict), translated_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key={name: row[name] for name in ("domain", "item")},
                    UpdateExpression="SET expires_at = :soon",
                    ConditionExpression="attribute_exists(expires_at)",
                    ExpressionAttributeValues={":soon": _expiry(datetime.now(UTC).timestamp())["expires_at"]},
                )

    def _write(self, state: Item, items: Sequence[Item], gone: Sequence[Item]) -> None:
        """Writes one change: the state if it is still the one that was read, and what it says of."""
        table = self._table
        transacted(
            lambda: self._client.transact_write_items(
                TransactItems=cast(
                    "Any",
                    [
                        {"Update": {"TableName": table, **state}},
                        *[{"Put": {"TableName": table, "Item": item}} for item in items],
                        *[{"Delete": {"TableName": table, "Key": key}} for key in gone],
                    ],
                )
            )
        )

    def _get(self, key: Item) -> Item | None:
        with translated_errors():
            return self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")


def _update(domain: DomainRecord, state: WatchlistState, changed: WatchlistState) -> Item:
    """Returns the update of the state over the one that was read; a predecessor's voices are named no more."""
    values = {":document": {"S": json.dumps(changed.to_document())}, ":change": {"N": str(changed.change)}}
    previous = {":previous": {"N": str(state.change)}} if state.change else {}
    written = "SET #document = :document, #change = :change, since = :since, #at = :since"
    return {
        "Key": watchlist_state_key(domain.domain),
        "UpdateExpression": f"{written} REMOVE packed, packed_change" if state.since is None else written,
        "ConditionExpression": "#change = :previous" if previous else "attribute_not_exists(#change)",
        "ExpressionAttributeNames": {"#document": "document", "#change": "change", "#at": "at"},
        "ExpressionAttributeValues": {**values, **previous, ":since": written_time(domain.created_at)},
    }


def _voice_item(entry: WatchlistEntry, change: int) -> Item:
    """Returns the item of a change: without a voice, it takes the one of the entry away."""
    named = {"watchlist": {"S": entry.watchlist}, "fraudster": {"S": entry.fraudster}}
    return {**voice_key(entry.domain, change), **named, "at": written_time(entry.updated_at)}


def _expiry(seconds: float) -> Item:
    """Returns the attribute by which DynamoDB deletes an item some days after a time, since 1970."""
    return {"expires_at": {"N": str(int(seconds + REMOVALS_KEPT.total_seconds()))}}
