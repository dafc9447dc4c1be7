"""Files of model versions in S3, in a versioned bucket with object lock."""

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bonafide.adapters.s3 import is_missing, s3_errors
from bonafide.errors import TooLarge
from bonafide.ports.registry import StoredObject
from bonafide.records.model import ModelFile, UploadTarget

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Objects that nobody keeps have this tag; a rule of the bucket deletes them when their lock ends.
PENDING = "registration=pending"


class S3ModelFiles:
    """`ModelFiles` on one bucket, under `models/<digest>/<name>`.

    A PUT is bound by its signature to length and SHA-256 of the content, and writes only where nothing is stored. S3
    refuses content with another checksum, keeps the checksum, and needs one for an object that it locks:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
    """

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def presign_upload(self, digest: str, file: ModelFile, expires_seconds: int) -> UploadTarget:
        """See `ModelFiles`."""
        checksum = base64.b64encode(bytes.fromhex(file.sha256)).decode()
        put: dict[str, Any] = {
            **self._place(digest, file),
            "ContentLength": file.size,
            "ChecksumSHA256": checksum,
            "IfNoneMatch": "*",
            "Tagging": PENDING,
        }
        url = self._client.generate_presigned_url("put_object", Params=put, ExpiresIn=expires_seconds)
        return UploadTarget(url, {"If-None-Match": "*", "x-amz-checksum-sha256": checksum, "x-amz-tagging": PENDING})

    def stored(self, digest: str, files: Sequence[ModelFile]) -> Sequence[StoredObject | None]:
        """See `ModelFiles`."""
        return [self._described(digest, file) for file in files]

    def keep(self, digest: str, files: Sequence[ModelFile]) -> None:
        """See `ModelFiles`."""
        with s3_errors():
            for file in files:
                self._client.delete_object_tagging(**self._checked_place(digest, file))

    def read(self, digest: str, file: ModelFile, limit: int) -> bytes:
        """See `ModelFiles`."""
        with s3_errors():
            answer = self._client.get_object(**self._checked_place(digest, file))
            if answer["ContentLength"] > limit:
                answer["Body"].close()
                raise too_large(file, limit, answer["ContentLength"])
            return answer["Body"].read()

    def presign_download(self, digest: str, file: ModelFile, expires_seconds: int) -> str:
        """See `ModelFiles`."""
        place = self._checked_place(digest, file)
        return self._client.generate_presigned_url("get_object", Params=place, ExpiresIn=expires_seconds)

    def _described(self, digest: str, file: ModelFile) -> StoredObject | None:
        with s3_errors():
            try:
                head = self._client.head_object(**self._place(digest, file), ChecksumMode="ENABLED")
            except ClientError as error:
                if is_missing(error):
                    return None
                raise
        return StoredObject(_hexadecimal(head.get("ChecksumSHA256")), head["ContentLength"], head["VersionId"])

    def _place(self, digest: str, file: ModelFile) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": object_key(digest, file)}

    def _checked_place(self, digest: str, file: ModelFile) -> dict[str, Any]:
        """Returns the place of the very object version that was checked: what is put over it later is another one."""
        return {**self._place(digest, file), "VersionId": file.object_version}


def object_key(digest: str, file: ModelFile) -> str:
    """Returns the key of a file."""
    return f"models/{digest}/{file.name}"


def too_large(file: ModelFile, limit: int, found: int) -> TooLarge:
    """Returns the error of a file that has too many bytes."""
    return TooLarge("model_file_too_large", "A file has too many bytes.", subject=file.name, limit=limit, found=found)


def _hexadecimal(checksum: str | None) -> str | None:
    """Returns a checksum in hexadecimal digits; None if it is not that of one whole object."""
    # An object that was put in parts has a checksum of checksums, with the number of parts behind it.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    return None if checksum is None or "-" in checksum else base64.b64decode(checksum).hex()
