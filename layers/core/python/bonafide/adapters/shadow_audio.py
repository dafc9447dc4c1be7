"""Audio that waits for the shadow, in the audio bucket under `shadow/<domain>/<decision>`."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.errors import StoreUnavailable
from bonafide.ports.shadow import WaitingAudio

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "shadow/"


class S3ShadowAudio:
    """`ShadowAudio` on one bucket, whose own key encrypts it."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, domain: str, decision_id: str, content: bytes) -> None:
        """See `ShadowAudio`."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=f"{PREFIX}{domain}/{decision_id}", Body=content)
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable from error

    def waiting(self, limit: int) -> Sequence[WaitingAudio]:
        """See `ShadowAudio`."""
        try:
            page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=PREFIX, MaxKeys=limit)
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable from error
        return [_waiting(each["Key"], each["LastModified"]) for each in page.get("Contents", ())]

    def read(self, waiting: WaitingAudio) -> bytes | None:
        """See `ShadowAudio`."""
        try:
            return self._client.get_object(Bucket=self._bucket, Key=_key(waiting))["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            raise StoreUnavailable from error
        except BotoCoreError as error:
            raise StoreUnavailable from error

    def delete(self, waiting: WaitingAudio) -> None:
        """See `ShadowAudio`."""
        try:
            self._client.delete_object(Bucket=self._bucket, Key=_key(waiting))
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable from error


def _key(waiting: WaitingAudio) -> str:
    return f"{PREFIX}{waiting.domain}/{waiting.decision_id}"


def _waiting(key: str, put_at: datetime) -> WaitingAudio:
    domain, _, decision_id = key.removeprefix(PREFIX).partition("/")
    return WaitingAudio(domain, decision_id, put_at)
