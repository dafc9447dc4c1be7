"""Objects that are only ever added: a versioned bucket with object lock, of whose keys the first version counts.

A PUT writes where nothing is stored (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
Somebody may still put a delete marker over an object, and another version over that; neither takes the first version
away while it is locked (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html), so versions
are listed and read.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import batched, chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bonafide.adapters.s3 import s3_errors
from bonafide.records.ledger.entry import StoredContent

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Days after which the bucket's rules delete; the first that is long enough is the tag of an object.
PERIODS = (1, 30, 90, 365, 1095, 3650)
TAG = "days"
GOVERNANCE = "GOVERNANCE"
# S3 refuses a lock that ends in the past, as that of a day that is sealed late may.
SHORTEST_LOCK = timedelta(days=1)
# Requests at once, and objects that are read together.
READERS = 16
READ_TOGETHER = 100
# Errors of an object, not of the bucket or of the connection.
UNREADABLE = {"AccessDenied", "InvalidObjectState", "InvalidRequest", "NoSuchKey", "NoSuchVersion"}


@dataclass(frozen=True, slots=True)
class Kept:
    """Time for which an object is kept.

    Attributes:
        day: on which its period begins.
        until: end of its lock.
        mode: of the lock.
    """

    day: date
    until: datetime
    mode: str = GOVERNANCE

    def arguments(self) -> dict[str, Any]:
        """Returns the condition of a PUT that only adds, its checksum, which a lock needs, its lock and its tag."""
        days = (self.until.astimezone(UTC).date() - self.day).days
        period = next((each for each in PERIODS if each >= days), PERIODS[-1])
        return {
            "IfNoneMatch": "*",
            "ChecksumAlgorithm": "SHA256",
            "ObjectLockMode": self.mode,
            "ObjectLockRetainUntilDate": max(self.until, datetime.now(UTC) + SHORTEST_LOCK),
            "Tagging": f"{TAG}={period}",
        }


class AddedObjects:
    """Objects of one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def add(self, key: str, content: bytes, kept: Kept) -> bool:
        """Adds an object unless there is one; tells whether it did."""
        with s3_errors():
            try:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=content, **kept.arguments())
            except ClientError as error:
                if is_stored(error):
                    return False
                raise
        return True

    def below(self, prefix: str) -> Iterator[str]:
        """Yields the next parts of the keys below a prefix, folders with a slash at their end."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=prefix, Delimiter="/"
        )
        with s3_errors():
            for page in pages:
                found = {each["Prefix"] for each in page.get("CommonPrefixes", [])}
                found |= {each["Key"] for each in _ordered(page)}
                yield from sorted(each.removeprefix(prefix) for each in found)

    def names(self, prefix: str) -> Iterator[str]:
        """Yields the names below a prefix, in their order."""
        return (each.key.removeprefix(prefix) for each in self._first_versions(prefix))

    def contents(self, prefix: str, after: str = "", largest: int | None = None) -> Iterator[StoredContent]:
        """Reads what is below a prefix, in the order of its names, those after a name.

        Args:
            prefix: of the keys.
            after: name behind which it begins.
            largest: bytes; nothing is read of what has more, so that nobody fills the memory of who reads.
        """
        with ThreadPoolExecutor(READERS) as readers:
            for some in batched(self._first_versions(prefix, after), READ_TOGETHER):
                found = readers.map(lambda each: self._read(each, largest), some)
                for each, content in zip(some, found, strict=True):
                    yield StoredContent(each.key.removeprefix(prefix), content, each.covered)

    def _first_versions(self, prefix: str, after: str = "") -> Iterator["_FirstVersion"]:
        """Yields the first version of each key after a name."""
        marker: Any = {"KeyMarker": prefix + after} if after else {}
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=prefix, **marker
        )
        with s3_errors():
            for key, found in groupby(chain.from_iterable(map(_ordered, pages)), itemgetter("Key")):
                every = list(found)
                # S3 lists the newest version first; a delete marker has no size.
                objects = [each for each in every if "Size" in each]
                if objects and (not after or key > prefix + after):
                    yield _FirstVersion(key, objects[-1]["VersionId"], objects[-1]["Size"], len(every) > 1)

    def _read(self, found: "_FirstVersion", largest: int | None) -> bytes | None:
        if largest is not None and found.size > largest:
            return b""
        with s3_errors():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=found.key, VersionId=found.version)
                return answer["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] in UNREADABLE:
                    return None
                raise


@dataclass(frozen=True, slots=True)
class _FirstVersion:
    """First version of a key, and whether something is over it."""

    key: str
    version: str
    size: int
    covered: bool


def _ordered(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the versions and delete markers of a page by their keys, those of a key as they are listed."""
    return sorted([*page.get("Versions", []), *page.get("DeleteMarkers", [])], key=itemgetter("Key"))


def is_stored(error: ClientError) -> bool:
    """Tells whether a PUT was refused since something is stored under the key."""
    return error.response["Error"]["Code"] in {"PreconditionFailed", "412"}
