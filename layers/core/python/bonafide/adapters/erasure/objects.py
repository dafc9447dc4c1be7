"""Erasure of objects in S3, whose keys have the domain, or domain and speaker, behind a prefix."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bonafide.adapters.s3 import S3Objects, s3_errors
from bonafide.ports.erasure import ErasedStep
from bonafide.records.erasure import ErasureSubject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ObjectErasing:
    """`ErasableStore` of objects `<prefix><domain>/...`, or `<prefix><domain>/<speaker>/...`."""

    def __init__(self, name: str, client: "S3Client", bucket: str, prefix: str, *, of_speakers: bool = True) -> None:
        """Stores its dependencies; `of_speakers` tells whether keys have the speaker behind the domain."""
        self.name = name
        self._objects = DatedObjects(client, bucket)
        self._prefix = prefix
        self._of_speakers = of_speakers

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """See `ErasableStore`. Nothing is erased that was put there for a successor."""
        if subject.speaker and not self._of_speakers:
            return ErasedStep(0, None)
        found, last = self._objects.page(subject, self._prefix, after)
        self._objects.delete(found)
        return ErasedStep(len(found), last)


class UploadErasing:
    """`ErasableStore` of uploads that a speaker's requests used, by notes `used/<domain>/<speaker>/<upload>`."""

    name = "uploads"

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._objects = DatedObjects(client, bucket)

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """See `ErasableStore`. Notes go last, so that whoever is killed in between finds them again."""
        notes, last = self._objects.page(subject, "used/", after)
        names = [f"uploads/{subject.domain}/{key.rpartition('/')[2]}" for key in notes]
        self._objects.delete(names)
        self._objects.delete(notes)
        return ErasedStep(len(notes), last)


class DatedObjects:
    """Objects of one bucket by the time of their writing."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._objects = S3Objects(client, bucket)

    def page(self, subject: ErasureSubject, prefix: str, after: str) -> tuple[Sequence[str], str | None]:
        """Lists objects of a subject, and the key behind which the next page begins; None on the last one."""
        of_speaker = f"{subject.speaker}/" if subject.speaker else ""
        start: Any = {"StartAfter": after} if after else {}
        with s3_errors():
            page = self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=f"{prefix}{subject.domain}/{of_speaker}", **start
            )
        found = page.get("Contents", [])
        keys = [each["Key"] for each in found if each["LastModified"] < subject.before]
        return keys, found[-1]["Key"] if page["IsTruncated"] else None

    def delete(self, keys: Sequence[str]) -> None:
        """Deletes objects, as far as they are there."""
        with s3_errors():
            self._objects.delete(keys)

    def delete_below(self, prefix: str) -> None:
        """Deletes all objects whose keys begin so."""
        with s3_errors():
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                self._objects.delete([each["Key"] for each in page.get("Contents", [])])
