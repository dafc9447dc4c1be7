"""Domains and speakers in DynamoDB.

Partition key `domain`, sort key `item`, which is `domain` for the domain's own record and `speaker#<speaker>` for a
speaker. One BatchGetItem reads both, the domain's brake, calibrations and staged policy, and the speaker's data key
from the table of keys. The index `speakers` has the same keys, and what a list shows: no voiceprints. The sparse index
`domains` has the names of domains. A data key is made and deleted in one transaction with the voiceprints that it is
for.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import (
    NOT_WRITTEN,
    BatchReader,
    Item,
    KeysUnread,
    RequestRefused,
    follows_same,
    is_same,
    transacted,
    translated_errors,
)
from bonafide.adapters.dynamodb.items import (
    HISTORY_PARTITION,
    LAST_VERSION,
    LISTED,
    SPEAKER_PREFIX,
    attempt_key,
    brake_key,
    calibration_key,
    document_of,
    domain_item,
    domain_key,
    is_reservation,
    read_attempts,
    read_brake,
    read_calibrations,
    read_domain,
    read_speaker,
    read_summary,
    read_used,
    reservation_item,
    speaker_key,
    speaker_name,
    staging_key,
    used_key,
    version_item,
    version_name,
)
from bonafide.adapters.erasure.partitions import Partitions
from bonafide.adapters.policies.dynamodb import staged_of, staging_puts
from bonafide.adapters.protection.items import KEY_PREFIX
from bonafide.adapters.protection.speakers import PlainSpeakers
from bonafide.adapters.watchlists.items import read_watchlist_state, watchlist_state_key
from bonafide.ports.stores import DomainChanged
from bonafide.records.brake import BrakeRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.policies.staged import Staging
from bonafide.records.settings.versions import DomainVersion
from bonafide.records.speaker import SpeakerPage, SpeakerRecord
from bonafide.records.watchlists.entry import WatchlistState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SPEAKERS_INDEX = "speakers"
DOMAINS_INDEX = "domains"


class DynamoDomainStore:
    """`DomainStore` on one table, and that of keys for those who have to do with voiceprints."""

    def __init__(self, client: "DynamoDBClient", table: str, speakers: PlainSpeakers | None = None) -> None:
        self._client = client
        self._table = table
        self._stored = speakers or PlainSpeakers(client, table)
        self._batches = BatchReader(client, *self._stored.tables)
        self._partitions = Partitions(client, table)

    def domain(self, domain: str) -> DomainRecord | None:
        """See `DomainStore`."""
        with translated_errors():
            answer = self._client.get_item(TableName=self._table, Key=domain_key(domain), ConsistentRead=True)
        return read_domain(answer["Item"]) if "Item" in answer else None

    def put_domain(
        self, record: DomainRecord, history: Sequence[DomainVersion] = (), staging: Staging | None = None
    ) -> None:
        """See `DomainStore`."""
        if not history and staging is None:
            with translated_errors():
                self._client.put_item(
                    TableName=self._table, Item=domain_item(record), **follows_same(record.version, record.created_at)
                )
            return
        table = {"TableName": self._table}
        state: Any = {**table, "Item": domain_item(record), **follows_same(record.version, record.created_at)}
        kept: Any = [{**table, "Item": version_item(each)} for each in history]
        kept += staging_puts(self._table, staging) if staging else []
        transacted(lambda: self._client.transact_write_items(TransactItems=[{"Put": put} for put in (state, *kept)]))

    def domain_versions(self, record: DomainRecord, before: int | None, limit: int) -> Sequence[DomainVersion]:
        """See `DomainStore`."""
        if before is not None and before <= 1:
            # DynamoDB refuses a range that ends before it begins.
            return []
        last = version_name(record, before - 1 if before else LAST_VERSION)
        values = {":domain": {"S": HISTORY_PARTITION + record.domain}, ":first": {"S": version_name(record, 1)}}
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#domain = :domain AND #item BETWEEN :first AND :last",
                ExpressionAttributeNames={"#domain": "domain", "#item": "item"},
                ExpressionAttributeValues={**values, ":last": {"S": last}},
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=limit,
            )
        return [DomainVersion.from_document(document_of(item)) for item in answer["Items"]]

    def forget_versions(self, domain: str) -> int:
        """See `DomainStore`."""
        return self._partitions.delete(HISTORY_PARTITION + domain)

    def delete_domain(self, record: DomainRecord) -> None:
        """See `DomainStore`."""
        with translated_errors():
            self._client.delete_item(
                TableName=self._table,
                Key=domain_key(record.domain),
                **is_same(record.version, record.created_at),
            )

    def domain_names(self) -> Iterator[str]:
        """See `DomainStore`."""
        start: Any = {}
        while start is not None:
            answer = self._names(**start)
            yield from (item["domain"]["S"] for item in answer["Items"])
            last = answer.get("LastEvaluatedKey")
            start = {"ExclusiveStartKey": last} if last else None

    def find(self, domain: str, speaker: str) -> tuple[DomainRecord | None, SpeakerRecord | None]:
        """See `DomainStore`."""
        found, known, *key = self._read(
            domain_key(domain), speaker_key(domain, speaker), *self._stored.keys(domain, speaker)
        )
        return read_domain(found) if found else None, self._speaker(known, *key)

    def find_with_brake(
        self, domain: str, speaker: str, counters: Sequence[str] = ()
    ) -> tuple[DomainRecord | None, SpeakerRecord | None, BrakeRecord]:
        """See `DomainStore`."""
        keys = domain_key(domain), speaker_key(domain, speaker), brake_key(domain), calibration_key(domain)
        own = self._stored.keys(domain, speaker)
        counting = [attempt_key(domain, counter) for counter in counters]
        used = [used_key(domain, speaker)] if counters else []
        groups = [*counting, *used], [watchlist_state_key(domain)], [staging_key(domain)]
        read, (counted, listed, staging) = self._read_with([*keys, *own], *groups)
        found, known, brake, calibrations, *key = read
        failed = None if counted is None else tuple(read_attempts(each) for each in counted[: len(counting)])
        watched = None if listed is None else read_watchlist_state(listed[0])
        besides: Any = {"calibrations": read_calibrations(domain, calibrations), "attempts": failed}
        record = _with_watchlists(replace(read_domain(found), **besides), watched) if found else None
        record = record and replace(record, staged=staged_of(record, staging))
        claimed = self._speaker(known, *key)
        if claimed and counted:
            claimed = replace(claimed, used_at=read_used(counted[-1]))
        return record, claimed, read_brake(domain, brake)

    def put_speaker(self, domain: DomainRecord, record: SpeakerRecord) -> None:
        """See `DomainStore`. Writes what is the speaker's only, so that writes of two speakers never conflict."""
        first = record.version == 1
        follows = partial(follows_same, record.version, record.created_at)
        self._stored.put(record, partial(self._reserve, domain, record) if first else follows)

    def delete_speaker(self, record: SpeakerRecord) -> None:
        """See `DomainStore`."""
        self._stored.delete(record)

    def shred_keys(self, domain: DomainRecord) -> None:
        """See `DomainStore`. Its name is read before the domain: a domain that was made anew has another one."""
        name = self._stored.domain_key(domain.domain)
        if name and self.domain(domain.domain) == domain:
            self._stored.shred(domain.domain, name)

    def list_speakers(self, domain: str, after: str | None, limit: int) -> SpeakerPage:
        """See `DomainStore`. Reads the index, and from the table the items of a release that wrote no summary."""
        answer = self._listed(domain, after, limit)
        items = [item for item in answer["Items"] if not is_reservation(item)]
        keys = [{name: item[name] for name in ("domain", "item")} for item in items if "summary" not in item]
        older = {item["item"]["S"]: read_speaker(item).summary for item in self._batches.read(keys)}
        found = [read_summary(item) if "summary" in item else older.get(item["item"]["S"]) for item in items]
        last: Any = answer.get("LastEvaluatedKey")
        return SpeakerPage([each for each in found if each], speaker_name(last) if last else None)

    def stored_speakers(self, domain: str, limit: int) -> Sequence[SpeakerRecord]:
        """See `DomainStore`."""
        return [self._stored.read(each, None) for each in self._speakers(domain, limit, ConsistentRead=True)["Items"]]

    def _reserve(self, domain: DomainRecord, record: SpeakerRecord) -> dict[str, Any]:
        """Puts an empty item in the place of a first version; returns the condition to write that version over it.

        The domain is read after the reservation was written. If it is open, the reservation is older than any closing
        of the domain. The deletion that follows a closing deletes the reservation, and the first version with it or
        before it, whose condition then fails. So nothing about a person is ever written into a deleted domain.
        """
        token = uuid.uuid4().hex
        with translated_errors():
            self._client.put_item(
                TableName=self._table, Item=reservation_item(record, token, datetime.now(UTC)), **NOT_WRITTEN
            )
        current = self.domain(domain.domain)
        if not domain.is_still_open(current):
            raise DomainChanged
        return {"ConditionExpression": "reservation = :token", "ExpressionAttributeValues": {":token": {"S": token}}}

    def _listed(self, domain: str, after: str | None, limit: int) -> Any:
        """Queries the index; the table, of the same keys, if there is none: a rollback deletes it before functions."""
        start: Any = {"ExclusiveStartKey": speaker_key(domain, after)} if after else {}
        try:
            return self._speakers(domain, limit, IndexName=SPEAKERS_INDEX, **start)
        except RequestRefused:
            return self._speakers(domain, limit, **start)

    def _names(self, **start: Any) -> Any:
        """Queries the index; there are no names without it: a rollback deletes it before functions."""
        try:
            with translated_errors():
                return self._client.query(
                    TableName=self._table,
                    IndexName=DOMAINS_INDEX,
                    KeyConditionExpression="listed = :listed",
                    ExpressionAttributeValues={":listed": {"S": LISTED}},
                    **start,
                )
        except RequestRefused:
            return {"Items": []}

    def _speakers(self, domain: str, limit: int, **how: Any) -> Any:
        with translated_errors():
            return self._client.query(
                TableName=self._table,
                KeyConditionExpression="#domain = :domain AND begins_with(#item, :prefix)",
                ExpressionAttributeNames={"#domain": "domain", "#item": "item"},
                ExpressionAttributeValues={":domain": {"S": domain}, ":prefix": {"S": SPEAKER_PREFIX}},
                Limit=limit,
                **how,
            )

    def _read_with(
        self, keys: Sequence[Item], *optional: Sequence[Item]
    ) -> tuple[list[Item | None], list[list[Item | None] | None]]:
        """Reads items together with others in groups; a group is None if some of it, and no needed item, is unread."""
        every = [*keys, *(key for group in optional for key in group)]
        read: list[Item] = []
        unread: Sequence[Item] = ()
        try:
            # What was read before an error stays in the list.
            read.extend(self._batches.read_each(_by_table(every)))
        except KeysUnread as error:
            unread = error.keys
            if any(key in keys for key in unread):
                raise
        groups = [None if any(key in group for key in unread) else _in_order(read, group) for group in optional]
        return _in_order(read, keys), groups

    def _speaker(self, item: Item | None, key: Item | None = None) -> SpeakerRecord | None:
        return self._stored.read(item, key) if item and not is_reservation(item) else None

    def _read(self, *keys: Item) -> list[Item | None]:
        """Reads items together, in the order of their keys."""
        return _in_order(self._batches.read_each(_by_table(keys)), keys)


def _with_watchlists(record: DomainRecord, state: WatchlistState | None) -> DomainRecord:
    """Returns a domain with the state of its watchlists, as far as it is not that of a predecessor."""
    return replace(record, watchlists=state.of_domain(record.created_at) if state else None)


def _by_table(keys: Sequence[Item]) -> list[Sequence[Item]]:
    of_keys = [key for key in keys if key["item"]["S"].startswith(KEY_PREFIX)]
    return [[key for key in keys if key not in of_keys], of_keys]


def _in_order(found: Iterable[Item], keys: Sequence[Item]) -> list[Item | None]:
    items = {(item["domain"]["S"], item["item"]["S"]): item for item in found}
    return [items.get((key["domain"]["S"], key["item"]["S"])) for key in keys]
