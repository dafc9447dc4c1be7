"""The archive in S3: entries and seals in one versioned bucket with object lock.

Entries are `decisions/<domain>/<day>/<decision_id>`, seals `seals/<domain>/<day>`. Both are only ever added: a PUT
writes where nothing is stored (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html), and
locks what it wrote until the domain's retention of decisions is over. A tag names a period, by which a rule of the
bucket deletes what is no longer locked.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bonafide.adapters.s3 import s3_errors
from bonafide.records.ledger.entry import ArchivedDecision
from bonafide.records.ledger.seal import DaySeal

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ENTRIES = "decisions/"
SEALS = "seals/"
# Days after which the bucket's rules delete; the first that is long enough is the tag of an object.
PERIODS = (1, 30, 90, 365, 1095, 3650)
TAG = "days"
# Requests at once that read the entries of a day.
READERS = 16


class S3DecisionArchive:
    """`DecisionArchive` on one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, entry: ArchivedDecision) -> bool:
        """See `DecisionArchive`."""
        key = f"{ENTRIES}{entry.domain}/{entry.day.isoformat()}/{entry.decision_id}"
        with s3_errors():
            try:
                self._client.put_object(
                    Bucket=self._bucket, Key=key, Body=entry.to_bytes(), **_kept(entry.day, entry.until)
                )
            except ClientError as error:
                if is_stored(error):
                    return False
                raise
        return True

    def has(self, domain: str, day: date, decision_id: str) -> bool:
        """See `DecisionArchive`. It lists, since who adds entries may not read them."""
        key = f"{ENTRIES}{domain}/{day.isoformat()}/{decision_id}"
        with s3_errors():
            found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        # Keys are sorted, so of those that begin so it is the first.
        return any(each["Key"] == key for each in found.get("Contents", []))

    def domains(self) -> Iterator[str]:
        """See `ArchiveReader`."""
        return self._below(ENTRIES)

    def days(self, domain: str) -> Sequence[date]:
        """See `ArchiveReader`."""
        return sorted(date.fromisoformat(each) for each in self._below(f"{ENTRIES}{domain}/"))

    def names(self, domain: str, day: date) -> Iterator[str]:
        """See `ArchiveReader`."""
        prefix = f"{ENTRIES}{domain}/{day.isoformat()}/"
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        with s3_errors():
            for page in pages:
                yield from (each["Key"].removeprefix(prefix) for each in page.get("Contents", []))

    def contents(self, domain: str, day: date) -> Mapping[str, bytes]:
        """See `ArchiveReader`."""
        names = list(self.names(domain, day))
        keys = [f"{ENTRIES}{domain}/{day.isoformat()}/{name}" for name in names]
        with s3_errors(), ThreadPoolExecutor(READERS) as readers:
            return dict(zip(names, readers.map(self._read, keys), strict=True))

    def _read(self, key: str) -> bytes:
        return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def _below(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, Delimiter="/"
        )
        with s3_errors():
            for page in pages:
                for each in page.get("CommonPrefixes", []):
                    yield each["Prefix"].removeprefix(prefix).rstrip("/")


class S3SealStore:
    """`SealStore` on the same bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def seals(self, domain: str, after: date | None = None) -> Iterator[DaySeal]:
        """See `SealStore`."""
        for day in self._days(domain):
            if after is None or day > after:
                yield self._read(domain, day)

    def newest(self, domain: str) -> DaySeal | None:
        """See `SealStore`."""
        days = self._days(domain)
        return self._read(domain, days[-1]) if days else None

    def put(self, seal: DaySeal) -> bool:
        """See `SealStore`."""
        key = f"{SEALS}{seal.domain}/{seal.day.isoformat()}"
        with s3_errors():
            try:
                self._client.put_object(
                    Bucket=self._bucket, Key=key, Body=seal.to_bytes(), **_kept(seal.day, seal.until)
                )
            except ClientError as error:
                if is_stored(error):
                    return False
                raise
        return True

    def _days(self, domain: str) -> Sequence[date]:
        prefix = f"{SEALS}{domain}/"
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        with s3_errors():
            keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return sorted(date.fromisoformat(each.removeprefix(prefix)) for each in keys)

    def _read(self, domain: str, day: date) -> DaySeal:
        key = f"{SEALS}{domain}/{day.isoformat()}"
        with s3_errors():
            return DaySeal.from_bytes(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())


def is_stored(error: ClientError) -> bool:
    """Tells whether a PUT was refused since something is stored under the key."""
    return error.response["Error"]["Code"] in {"PreconditionFailed", "412"}


def _kept(day: date, until: datetime) -> dict[str, Any]:
    """Returns the condition of a PUT that only adds, its checksum, which a lock needs, its lock and its tag."""
    kept = (until.astimezone(UTC).date() - day).days
    period = next((each for each in PERIODS if each >= kept), PERIODS[-1])
    return {
        "IfNoneMatch": "*",
        "ChecksumAlgorithm": "SHA256",
        "ObjectLockMode": "GOVERNANCE",
        "ObjectLockRetainUntilDate": until,
        "Tagging": f"{TAG}={period}",
    }
