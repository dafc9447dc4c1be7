"""Uploaded and kept audio in S3."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.errors import StoreUnavailable, Subject, TooLarge
from bonafide.records.erasure import ErasureRecord

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
MOST_DELETED = 1000


@contextmanager
def s3_errors() -> Iterator[None]:
    """Raises `StoreUnavailable` for whatever S3 did not do."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise StoreUnavailable from error


def is_missing(error: ClientError) -> bool:
    """Tells whether the error is that an object is not there."""
    return error.response["Error"]["Code"] in {"NoSuchKey", "404"}


class S3Objects:
    """Objects of one bucket, whose own key encrypts them; callers translate errors with `s3_errors`."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, content: bytes, described: Mapping[str, str] | None = None) -> None:
        """Writes an object. What is said about it is its metadata, which is stored and encrypted with it."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=content, Metadata=dict(described or {}))

    def get(self, key: str) -> "GetObjectOutputTypeDef | None":
        """Opens an object; None if it is not there."""
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    def delete(self, keys: Sequence[str]) -> None:
        """Deletes objects, as far as they are there.

        Raises:
            StoreUnavailable: S3 left some of them.
        """
        for some in batched(keys, MOST_DELETED):
            answer = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True}
            )
            if answer.get("Errors"):
                raise StoreUnavailable


class S3AudioStore:
    """`AudioStore` on one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._objects = S3Objects(client, bucket)

    def presign_upload(self, key: str, expires_seconds: int, length: int | None, media_type: str | None = None) -> str:
        """See `AudioStore`."""
        put: dict[str, Any] = {"Bucket": self._bucket, "Key": key}
        if length is not None:
            # A signed header: S3 refuses a PUT that states, and so sends, another length.
            put["ContentLength"] = length
        if media_type is not None:
            # Likewise: a PUT that states another type, or none, has another signature.
            put["ContentType"] = media_type
        return self._client.generate_presigned_url("put_object", Params=put, ExpiresIn=expires_seconds)

    def fetch(self, key: str, limit: int) -> bytes | None:
        """See `AudioStore`."""
        with s3_errors():
            answer = self._objects.get(key)
            if answer is not None and answer["ContentLength"] > limit:
                answer["Body"].close()
                raise TooLarge(
                    "audio_too_large",
                    "The uploaded recording has too many bytes.",
                    subject=Subject.UPLOAD,
                    limit=limit,
                    found=answer["ContentLength"],
                )
            return answer["Body"].read() if answer else None

    def keep(self, key: str, content: bytes, described: Mapping[str, str] | None = None) -> None:
        """See `AudioStore`."""
        with s3_errors():
            self._objects.put(key, content, described)

    def kept(self, key: str) -> tuple[bytes, Mapping[str, str]] | None:
        """See `AudioStore`."""
        with s3_errors():
            answer = self._objects.get(key)
            return (answer["Body"].read(), answer.get("Metadata", {})) if answer else None

    def names(self, prefix: str) -> Sequence[str]:
        """See `AudioStore`."""
        with s3_errors():
            page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix)
        return [entry["Key"] for entry in page.get("Contents", ())]

    def discard(self, prefix: str) -> int:
        """See `AudioStore`. A page of a listing is as much as one call deletes."""
        found = self.names(prefix)
        with s3_errors():
            self._objects.delete(found)
        return len(found)

    def record_erasure(self, erasure: ErasureRecord) -> None:
        """See `AudioStore`."""
        self.keep(erasure.name, json.dumps(erasure.to_document()).encode())


class S3FailureStore:
    """`FailureStore` on one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._objects = S3Objects(client, bucket)

    def put(self, name: str, document: Mapping[str, Any]) -> None:
        """See `FailureStore`."""
        with s3_errors():
            self._objects.put(f"{name}.json", json.dumps(document).encode())
