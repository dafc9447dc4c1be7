"""Uploads through presigned URLs, against the emulator."""

import time
import urllib.error
import urllib.request
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest

from bonafide.adapters.s3 import S3AudioStore

AUDIO = b"RIFF" + bytes(1000)


@pytest.fixture
def key() -> str:
    return f"uploads/acme/{uuid.uuid4()}"


@pytest.fixture
def store(state: Any) -> S3AudioStore:
    return S3AudioStore(state.s3, state.name("Audio"))


def put(url: str, content: bytes = AUDIO, method: str = "PUT", **headers: str) -> int:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, content, sent, method=method), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code


def test_what_is_put_to_the_url_is_fetched(store: S3AudioStore, key: str) -> None:
    assert put(store.presign_upload(key, 60, None)) == 200
    assert store.fetch(key, len(AUDIO)) == AUDIO


def test_an_url_for_one_key_does_not_take_another(store: S3AudioStore, key: str) -> None:
    assert put(store.presign_upload(key, 60, None).replace(key, f"{key}-2")) == 403
    assert store.fetch(f"{key}-2", 100) is None


@pytest.mark.parametrize("parameter", ["X-Amz-Signature=", "X-Amz-Expires=", "X-Amz-Date="])
def test_an_url_that_was_tampered_with_is_refused(store: S3AudioStore, key: str, parameter: str) -> None:
    url = store.presign_upload(key, 60, None)
    start = url.index(parameter) + len(parameter)
    other = "1" if url[start] != "1" else "2"
    assert put(url[:start] + other + url[start + 1 :]) == 403
    assert store.fetch(key, 100) is None


def test_an_url_for_a_number_of_bytes_takes_neither_more_nor_fewer(store: S3AudioStore, key: str) -> None:
    url = store.presign_upload(key, 60, len(AUDIO))
    assert [put(url, content) for content in (AUDIO[1:], AUDIO + b"x")] == [403, 403]
    assert store.fetch(key, 2000) is None
    assert put(url) == 200


def test_an_url_for_a_type_takes_no_other(store: S3AudioStore, key: str) -> None:
    url = store.presign_upload(key, 60, None, "audio/wav")
    assert [put(url), put(url, Content_Type="text/html")] == [403, 403]
    assert store.fetch(key, 2000) is None
    assert put(url, Content_Type="audio/wav") == 200


def test_an_url_that_expired_is_refused(store: S3AudioStore, key: str) -> None:
    url = store.presign_upload(key, 1, None)
    time.sleep(2.1)
    assert put(url) == 403
    assert store.fetch(key, 100) is None


def test_an_url_takes_nothing_but_a_put(store: S3AudioStore, key: str) -> None:
    url = store.presign_upload(key, 60, None)
    assert put(url) == 200
    assert put(url, method="DELETE") == 403
    assert store.fetch(key, len(AUDIO)) == AUDIO


def test_an_url_names_the_key_and_the_signature_of_its_signer_only(store: S3AudioStore, key: str) -> None:
    parts = urlsplit(store.presign_upload(key, 60, None))
    assert parts.path.endswith(key)
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in parts.query


def test_a_kept_recording_comes_back_with_what_was_said_about_it(store: S3AudioStore, key: str) -> None:
    store.keep(key, AUDIO, {"encoding": "mulaw", "sample_rate": "8000"})
    assert store.kept(key) == (AUDIO, {"encoding": "mulaw", "sample_rate": "8000"})
    store.keep(key, AUDIO)
    assert store.kept(key) == (AUDIO, {})
    assert store.kept(f"{key}-missing") is None


def test_discarding_deletes_a_thousand_at_once_and_tells_how_many(state: Any, key: str) -> None:
    client = state.s3
    store = S3AudioStore(client, state.name("Audio"))
    for n in range(1001):
        client.put_object(Bucket=state.name("Audio"), Key=f"{key}/{n}", Body=b"")
    assert [store.discard(f"{key}/") for _ in range(3)] == [1000, 1, 0]
    assert "Contents" not in client.list_objects_v2(Bucket=state.name("Audio"), Prefix=f"{key}/")
