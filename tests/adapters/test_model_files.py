"""Files of model versions: bound to their content, written once, locked, and read by the version that was checked."""

import hashlib
import urllib.error
import urllib.request
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from bonafide.adapters.model_files import S3ModelFiles, object_key
from bonafide.errors import StoreUnavailable, TooLarge
from bonafide.ports.registry import UploadTarget
from bonafide.records.model import ModelFile

CONTENT = b"graph" * 100
FILE = ModelFile("speaker.onnx", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
BOUND = {"content-length", "host", "if-none-match", "x-amz-checksum-sha256", "x-amz-tagging"}


@pytest.fixture
def digest() -> str:
    return hashlib.sha256(uuid4().bytes).hexdigest()


@pytest.fixture
def files(state: Any) -> S3ModelFiles:
    return S3ModelFiles(state.s3, state.name("ModelFiles"))


def put(target: UploadTarget, content: bytes = CONTENT, **other: str) -> int:
    headers = {name: value for name, value in ({**target.headers} | other).items() if value}
    request = urllib.request.Request(target.url, content, headers, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code


def uploaded(files: S3ModelFiles, digest: str) -> ModelFile:
    assert put(files.presign_upload(digest, FILE, 60)) == 200
    (found,) = files.stored(digest, [FILE])
    assert found
    return replace(FILE, object_version=found.version)


def test_an_upload_is_described_by_the_store_itself(files: S3ModelFiles, digest: str) -> None:
    assert files.stored(digest, [FILE]) == [None]
    file = uploaded(files, digest)
    (found,) = files.stored(digest, [FILE])
    assert found
    assert (found.sha256, found.size, found.version) == (FILE.sha256, FILE.size, file.object_version)


def test_checksum_length_and_condition_are_signed_headers(files: S3ModelFiles, digest: str) -> None:
    # In the query, S3 would sign the checksum and then ignore it.
    query = parse_qs(urlsplit(files.presign_upload(digest, FILE, 60).url).query)
    assert set(query["X-Amz-SignedHeaders"][0].split(";")) == BOUND
    assert not any(name.lower().startswith("x-amz-checksum") for name in query)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (CONTENT[:-1] + b"!", {}, 400),
        (CONTENT + b"!", {}, 403),
        (CONTENT, {"x-amz-checksum-sha256": ""}, 403),
        (CONTENT[:-1] + b"!", {"x-amz-checksum-sha256": "A" * 43 + "="}, 403),
        (CONTENT, {"If-None-Match": ""}, 403),
        (CONTENT, {"x-amz-tagging": ""}, 403),
    ],
    ids=["other bytes", "more bytes", "no checksum", "another checksum", "no condition", "no tag"],
)
def test_an_url_takes_nothing_but_the_offered_file(
    files: S3ModelFiles, digest: str, content: bytes, headers: dict[str, str], status: int
) -> None:
    assert put(files.presign_upload(digest, FILE, 60), content, **headers) == status
    assert files.stored(digest, [FILE]) == [None]


def test_nothing_is_written_twice(files: S3ModelFiles, digest: str) -> None:
    target = files.presign_upload(digest, FILE, 60)
    assert [put(target), put(target)] == [200, 412]


def test_what_is_stored_without_its_checksum_is_not_the_file(files: S3ModelFiles, digest: str, state: Any) -> None:
    key = object_key(digest, FILE)
    state.s3.put_object(Bucket=state.name("ModelFiles"), Key=key, Body=CONTENT, ChecksumAlgorithm="CRC32")
    (found,) = files.stored(digest, [FILE])
    assert found
    assert found.sha256 is None


def test_an_upload_has_the_tag_of_unregistered_files_until_it_is_kept(
    files: S3ModelFiles, digest: str, state: Any
) -> None:
    file = uploaded(files, digest)
    place = {"Bucket": state.name("ModelFiles"), "Key": object_key(digest, FILE), "VersionId": file.object_version}
    assert state.s3.get_object_tagging(**place)["TagSet"] == [{"Key": "registration", "Value": "pending"}]
    files.keep(digest, [file])
    assert state.s3.get_object_tagging(**place)["TagSet"] == []


def test_a_file_is_locked_for_a_year(files: S3ModelFiles, digest: str, state: Any) -> None:
    file = uploaded(files, digest)
    place = {"Bucket": state.name("ModelFiles"), "Key": object_key(digest, FILE), "VersionId": file.object_version}
    head = state.s3.head_object(**place)
    assert head["ObjectLockMode"] == "GOVERNANCE"
    assert (head["ObjectLockRetainUntilDate"] - head["LastModified"]).days in (364, 365)
    with pytest.raises(ClientError, match="AccessDenied"):
        state.s3.delete_object(**place)
    assert files.read(digest, file, 1000) == CONTENT


def test_what_is_put_over_a_checked_file_is_never_read(files: S3ModelFiles, digest: str, state: Any) -> None:
    file = uploaded(files, digest)
    bucket, key = state.name("ModelFiles"), object_key(digest, FILE)
    state.s3.put_object(Bucket=bucket, Key=key, Body=b"tampered", ChecksumAlgorithm="SHA256")
    state.s3.delete_object(Bucket=bucket, Key=key)
    assert files.stored(digest, [FILE]) == [None]
    assert files.read(digest, file, 1000) == CONTENT
    with urllib.request.urlopen(files.presign_download(digest, file, 60), timeout=10) as answer:
        assert answer.read() == CONTENT


def test_a_file_that_is_too_large_is_not_read(files: S3ModelFiles, digest: str) -> None:
    with pytest.raises(TooLarge, match="model_file_too_large"):
        files.read(digest, uploaded(files, digest), len(CONTENT) - 1)


class Failing:
    """A client of S3 whose every call is throttled."""

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> Any:
            raise ClientError({"Error": {"Code": "SlowDown"}}, name)

        return call


def test_a_store_that_fails_is_unavailable(digest: str) -> None:
    files, file = S3ModelFiles(Failing(), "bucket"), replace(FILE, object_version="1")  # type: ignore[arg-type]
    for call in (
        lambda: files.stored(digest, [file]),
        lambda: files.keep(digest, [file]),
        lambda: files.read(digest, file, 10),
    ):
        with pytest.raises(StoreUnavailable):
            call()
