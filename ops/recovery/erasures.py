"""Erasures since a table's point in time: what they name is not to come back with it."""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Self

from bonafide.adapters.dynamodb.conditions import Item
from bonafide.adapters.dynamodb.items import (
    DOMAIN_ITEM,
    SPEAKER_PREFIX,
    is_reservation,
    read_domain,
    read_speaker,
    speaker_item,
)
from bonafide.records.domain import DomainRecord
from bonafide.records.erasure import ErasureKind, ErasureRecord, prefix
from bonafide.records.speaker import SpeakerRecord, opted_out

# What was erased before the point in time is not in the copy; clocks and slow requests are allowed this much.
MARGIN = timedelta(hours=1)
READERS = 16


class Erasures:
    """Erasures on record, by kind and subject."""

    def __init__(self, records: Iterable[ErasureRecord]) -> None:
        self._at = {(each.kind, each.domain, each.speaker): each.at for each in records}

    @classmethod
    def read(cls, s3: Any, bucket: str, domain: str | None, at: datetime) -> Self:
        """Reads the erasures in one domain, or in all, since a point in time, from the audio bucket."""
        names = list(_names(s3, bucket, prefix(domain), at - MARGIN))
        with ThreadPoolExecutor(READERS) as pool:
            return cls(pool.map(lambda name: _record(s3, bucket, name), names))

    def __len__(self) -> int:
        return len(self._at)

    def __iter__(self) -> Iterator[ErasureRecord]:
        return (ErasureRecord(*subject, at) for subject, at in self._at.items())

    def without(self, known: Self) -> Self:
        """Returns those that are not known, or were asked for again since."""
        return type(self)(each for each in self if known._at.get((each.kind, each.domain, each.speaker)) != each.at)

    def restorable(self, item: Item) -> Item | None:
        """Returns what may be put back of an item of a copy; a reservation is nothing to put back."""
        return None if is_reservation(item) else self.remaining(item)

    def remaining(self, item: Item) -> Item | None:
        """Returns what may be left of an item of the table of domains; None if all of it was erased."""
        if item["item"]["S"].startswith(SPEAKER_PREFIX) and not is_reservation(item):
            return self._of_speaker(read_speaker(item), item)
        if item["item"]["S"] == DOMAIN_ITEM and self._is_deleted(read_domain(item)):
            return None
        return item

    def _of_speaker(self, speaker: SpeakerRecord, item: Item) -> Item | None:
        at = self._at.get((ErasureKind.SPEAKER_DELETED, speaker.domain, speaker.speaker))
        if self._is_deleted(speaker) or (at and speaker.created_at <= at):
            return None
        return self._without_voice(speaker, item)

    def _is_deleted(self, record: DomainRecord | SpeakerRecord) -> bool:
        """Tells whether the domain was deleted with the record; one that was created later came on purpose."""
        at = self._at.get((ErasureKind.DOMAIN_DELETED, record.domain, None))
        return at is not None and record.created_at <= at

    def _without_voice(self, speaker: SpeakerRecord, item: Item) -> Item:
        at = self._at.get((ErasureKind.OPTED_OUT, speaker.domain, speaker.speaker))
        # Who was deleted after the opt-out, and made again, is not meant by it.
        if at is None or speaker.created_at > at or (speaker.opted_out_at and speaker.opted_out_at >= at):
            return item
        return speaker_item(opted_out(speaker, at))


def _names(s3: Any, bucket: str, beginning: str, since: datetime) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=beginning):
        yield from (each["Key"] for each in page.get("Contents", []) if each["LastModified"] >= since)


def _record(s3: Any, bucket: str, name: str) -> ErasureRecord:
    return ErasureRecord.from_document(json.loads(s3.get_object(Bucket=bucket, Key=name)["Body"].read()))
