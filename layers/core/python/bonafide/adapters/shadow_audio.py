"""Audio that waits for the shadow, in the audio bucket under `shadow/<domain>/<decision>[/<part>]`."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from bonafide.adapters.s3 import S3Objects, s3_errors
from bonafide.ports.shadow import WaitingAudio

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "shadow/"


class S3ShadowAudio:
    """`ShadowAudio` on one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._objects = S3Objects(client, bucket)

    def put(self, domain: str, decision_id: str, content: bytes, part: str = "") -> None:
        """See `ShadowAudio`."""
        with s3_errors():
            self._objects.put(_key(domain, decision_id, part), content)

    def waiting(self, limit: int) -> Sequence[WaitingAudio]:
        """See `ShadowAudio`."""
        with s3_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PREFIX)
            found = (_waiting(each["Key"], each["LastModified"]) for page in pages for each in page.get("Contents", ()))
            return list(islice(found, limit))

    def read(self, waiting: WaitingAudio) -> bytes | None:
        """See `ShadowAudio`."""
        with s3_errors():
            answer = self._objects.get(_key_of(waiting))
            return answer["Body"].read() if answer else None

    def delete(self, waiting: Sequence[WaitingAudio]) -> None:
        """See `ShadowAudio`."""
        with s3_errors():
            self._objects.delete([_key_of(each) for each in waiting])


def _key_of(waiting: WaitingAudio) -> str:
    return _key(waiting.domain, waiting.decision_id, waiting.part)


def _key(domain: str, decision_id: str, part: str) -> str:
    return f"{PREFIX}{domain}/{decision_id}" + (f"/{part}" if part else "")


def _waiting(key: str, put_at: datetime) -> WaitingAudio:
    domain, decision_id, *part = key.removeprefix(PREFIX).split("/", 2)
    return WaitingAudio(domain, decision_id, put_at, *part)
