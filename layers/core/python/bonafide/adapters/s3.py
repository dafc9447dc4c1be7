"""Uploaded and kept audio in S3."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.errors import StoreUnavailable, Subject, TooLarge
from bonafide.records.erasure import ErasureRecord

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3AudioStore:
    """`AudioStore` on one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def presign_upload(self, key: str, expires_seconds: int, length: int | None) -> str:
        """See `AudioStore`."""
        put: dict[str, Any] = {"Bucket": self._bucket, "Key": key}
        if length is not None:
            # A signed header: S3 refuses a PUT that states, and so sends, another length.
            put["ContentLength"] = length
        return self._client.generate_presigned_url("put_object", Params=put, ExpiresIn=expires_seconds)

    def fetch(self, key: str, limit: int) -> bytes | None:
        """See `AudioStore`."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            if answer["ContentLength"] > limit:
                answer["Body"].close()
                raise TooLarge(
                    "audio_too_large",
                    "The uploaded recording has too many bytes.",
                    subject=Subject.UPLOAD,
                    limit=limit,
                    found=answer["ContentLength"],
                )
            return answer["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            raise StoreUnavailable() from error
        except BotoCoreError as error:
            raise StoreUnavailable() from error

    def keep(self, key: str, content: bytes, described: Mapping[str, str] | None = None) -> None:
        """See `AudioStore`. What is said about it is metadata of the object, which is stored and encrypted with it."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content, Metadata=dict(described or {}))
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable() from error

    def kept(self, key: str) -> tuple[bytes, Mapping[str, str]] | None:
        """See `AudioStore`."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            return answer["Body"].read(), answer.get("Metadata", {})
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            raise StoreUnavailable() from error
        except BotoCoreError as error:
            raise StoreUnavailable() from error

    def discard(self, prefix: str) -> bool:
        """See `AudioStore`."""
        try:
            page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix)
            if objects := page.get("Contents"):
                self._delete([entry["Key"] for entry in objects])
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable() from error
        return not page["IsTruncated"]

    def record_erasure(self, erasure: ErasureRecord) -> None:
        """See `AudioStore`."""
        self.keep(erasure.name, json.dumps(erasure.to_document()).encode())

    def _delete(self, keys: list[str]) -> None:
        """Deletes a page of a listing, which is as much as one call takes."""
        answer = self._client.delete_objects(
            Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
        if answer.get("Errors"):
            raise StoreUnavailable()


class S3FailureStore:
    """`FailureStore` on one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, name: str, document: Mapping[str, Any]) -> None:
        """See `FailureStore`."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=f"{name}.json", Body=json.dumps(document).encode())
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable from error
