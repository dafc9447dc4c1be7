"""Erasures since a table's point in time: what they name is not to come back with it."""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Self

from bonafide.adapters.dynamodb.conditions import Item
from bonafide.adapters.dynamodb.decisions import unlinked_item
from bonafide.adapters.dynamodb.items import (
    ATTEMPT_PARTITION,
    CALIBRATION_PARTITION,
    DOMAIN_ITEM,
    HISTORY_PARTITION,
    POLICY_PARTITION,
    SPEAKER_PREFIX,
    USED_PREFIX,
    document_of,
    is_reservation,
    read_domain,
    read_speaker,
    speaker_item,
)
from bonafide.adapters.erasure.rows import attempts_at, calibrations_at, in_key, staging_at
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord, ErasedDecisions
from bonafide.records.erasure import ErasureKind, ErasureRecord, is_overtaken, prefix
from bonafide.records.speaker import SpeakerRecord, opted_out

# What was erased before the point in time is not in the copy; clocks and slow requests are allowed this much.
MARGIN = timedelta(hours=1)
READERS = 16
# Partitions of rows about a domain as a whole, and what tells their times.
ROWS = {
    HISTORY_PARTITION: in_key(0),
    CALIBRATION_PARTITION: calibrations_at,
    POLICY_PARTITION: staging_at,
    ATTEMPT_PARTITION: attempts_at,
}


class Erasures:
    """Erasures on record, by kind and subject."""

    def __init__(self, records: Iterable[ErasureRecord]) -> None:
        self._records = {(each.kind, each.domain, each.speaker): each for each in records}

    @classmethod
    def read(cls, s3: Any, bucket: str, domain: str | None, at: datetime) -> Self:
        """Reads the erasures in one domain, or in all, since a point in time, from the audio bucket."""
        names = list(_names(s3, bucket, prefix(domain), at - MARGIN))
        with ThreadPoolExecutor(READERS) as pool:
            return cls(pool.map(lambda name: _record(s3, bucket, name), names))

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[ErasureRecord]:
        return iter(self._records.values())

    def without(self, known: Self) -> Self:
        """Returns those that are not known, or were asked for again since."""
        return type(self)(each for each in self if each not in known._records.values())

    def restorable(self, item: Item) -> Item | None:
        """Returns what may be put back of an item of a copy; a reservation is nothing to put back."""
        return None if is_reservation(item) else self.remaining(item)

    def remaining(self, item: Item) -> Item | None:
        """Returns what may be left of an item of the table of domains; None if all of it was erased."""
        if item["item"]["S"].startswith(SPEAKER_PREFIX) and not is_reservation(item):
            return self._of_speaker(read_speaker(item), item)
        if item["item"]["S"] == DOMAIN_ITEM and self._is_deleted(read_domain(item)):
            return None
        return None if self._is_row_of_deleted(item) else item

    def of_decision(self, item: Item) -> Item | None:
        """Returns what may be put back of a decision, as the settings said when its speaker or domain was erased."""
        record = DecisionRecord.from_document(document_of(item))
        if self._is_erased(ErasureKind.DOMAIN_DELETED, record) not in {None, ErasedDecisions.KEEP}:
            return None
        kinds = ErasureKind.SPEAKER_DELETED, ErasureKind.EXPIRED, ErasureKind.OPTED_OUT
        treated = {self._is_erased(kind, record) for kind in kinds if record.speaker}
        if ErasedDecisions.ERASE in treated:
            return None
        return unlinked_item(item) if ErasedDecisions.UNLINK in treated else item

    def _is_erased(self, kind: ErasureKind, record: DecisionRecord) -> ErasedDecisions | None:
        """Returns what becomes of a decision by erasures of a kind; None if none means it."""
        speaker = None if kind is ErasureKind.DOMAIN_DELETED else record.speaker
        erasure = self._records.get((kind, record.domain, speaker))
        return erasure.decisions if erasure and _means(erasure, record) else None

    def _is_row_of_deleted(self, item: Item) -> bool:
        """Tells whether an item is a row of a domain, or of the use of a speaker, deleted after it was written."""
        kind, separator, domain = item["domain"]["S"].partition("#")
        written_at = ROWS.get(kind + separator)
        if written_at is None:
            return False
        speaker = item["item"]["S"].removeprefix(USED_PREFIX)
        of_speaker = [(kind, domain, speaker) for kind in (ErasureKind.SPEAKER_DELETED, ErasureKind.EXPIRED)]
        known = [self._records.get(each) for each in ((ErasureKind.DOMAIN_DELETED, domain, None), *of_speaker)]
        return any(each and written_at(item) <= each.at for each in known)

    def _of_speaker(self, speaker: SpeakerRecord, item: Item) -> Item | None:
        kinds = ErasureKind.SPEAKER_DELETED, ErasureKind.EXPIRED
        known = [self._records.get((kind, speaker.domain, speaker.speaker)) for kind in kinds]
        meant = (each for each in known if each and speaker.created_at <= each.at)
        if self._is_deleted(speaker) or any(not is_overtaken(each.kind, each.at, speaker) for each in meant):
            return None
        return self._without_voice(speaker, item)

    def _is_deleted(self, record: DomainRecord | SpeakerRecord) -> bool:
        """Tells whether the domain was deleted with the record; one that was created later came on purpose."""
        erasure = self._records.get((ErasureKind.DOMAIN_DELETED, record.domain, None))
        return erasure is not None and record.created_at <= erasure.at

    def _without_voice(self, speaker: SpeakerRecord, item: Item) -> Item:
        erasure = self._records.get((ErasureKind.OPTED_OUT, speaker.domain, speaker.speaker))
        at = erasure.at if erasure else None
        # Who was deleted after the opt-out, and made again, is not meant by it.
        if at is None or speaker.created_at > at or (speaker.opted_out_at and speaker.opted_out_at >= at):
            return item
        return speaker_item(opted_out(speaker, at))


def _means(erasure: ErasureRecord, record: DecisionRecord) -> bool:
    """Tells whether a decision is about who was erased: by the generation that it names, or else by its time."""
    domain, speaker, opted_out = [*(record.generation or "").split("/"), "", "", ""][:3]
    began = domain if erasure.speaker is None else speaker
    if not began:
        return record.decided_at <= erasure.at
    again = erasure.kind is ErasureKind.OPTED_OUT and opted_out[:1].isdigit()
    return datetime.fromisoformat(began) <= erasure.at and not (
        again and datetime.fromisoformat(opted_out) >= erasure.at
    )


def _names(s3: Any, bucket: str, beginning: str, since: datetime) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=beginning):
        yield from (each["Key"] for each in page.get("Contents", []) if each["LastModified"] >= since)


def _record(s3: Any, bucket: str, name: str) -> ErasureRecord:
    return ErasureRecord.from_document(json.loads(s3.get_object(Bucket=bucket, Key=name)["Body"].read()))
