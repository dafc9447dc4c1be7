"""Audio that waits for the shadow, in the audio bucket under `shadow/<domain>/<decision>[/<part>]`."""

from collections.abc import Sequence
from datetime import datetime
from itertools import batched, islice
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.errors import StoreUnavailable
from bonafide.ports.shadow import WaitingAudio

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

PREFIX = "shadow/"
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
MOST_DELETED = 1000


class S3ShadowAudio:
    """`ShadowAudio` on one bucket, whose own key encrypts it."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, domain: str, decision_id: str, content: bytes, part: str = "") -> None:
        """See `ShadowAudio`."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=_key(domain, decision_id, part), Body=content)
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable from error

    def waiting(self, limit: int) -> Sequence[WaitingAudio]:
        """See `ShadowAudio`."""
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PREFIX)
            found = (_waiting(each["Key"], each["LastModified"]) for page in pages for each in page.get("Contents", ()))
            return list(islice(found, limit))
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable from error

    def read(self, waiting: WaitingAudio) -> bytes | None:
        """See `ShadowAudio`."""
        try:
            return self._client.get_object(Bucket=self._bucket, Key=_key_of(waiting))["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            raise StoreUnavailable from error
        except BotoCoreError as error:
            raise StoreUnavailable from error

    def delete(self, waiting: Sequence[WaitingAudio]) -> None:
        """See `ShadowAudio`."""
        try:
            for some in batched(waiting, MOST_DELETED):
                self._delete([_key_of(each) for each in some])
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable from error

    def _delete(self, keys: Sequence[str]) -> None:
        objects: list[ObjectIdentifierTypeDef] = [{"Key": key} for key in keys]
        answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})
        if answer.get("Errors"):
            raise StoreUnavailable


def _key_of(waiting: WaitingAudio) -> str:
    return _key(waiting.domain, waiting.decision_id, waiting.part)


def _key(domain: str, decision_id: str, part: str) -> str:
    return f"{PREFIX}{domain}/{decision_id}" + (f"/{part}" if part else "")


def _waiting(key: str, put_at: datetime) -> WaitingAudio:
    domain, decision_id, *part = key.removeprefix(PREFIX).split("/", 2)
    return WaitingAudio(domain, decision_id, put_at, *part)
