"""Keyed hashes of references to callers: HMAC-SHA-256 under a secret of the domain.

The secret is made when the first reference of a domain arrives, is stored wrapped by the stage's key beside the
domain's counters of failed attempts, and is deleted with them.
"""

import hmac
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import NOT_WRITTEN, BatchReader, translated_errors
from bonafide.adapters.dynamodb.items import attempt_key
from bonafide.adapters.kms import KmsWrapping
from bonafide.errors import StoreUnavailable
from bonafide.ports.stores import VersionConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY_ITEM = "key"
SECRET_BYTES = 32
# A domain that is deleted and made again has another secret; an environment learns it after so long.
KEPT_SECONDS = 300.0
# After a failure decisions do without for so long, instead of each waiting for the key.
RETRY_SECONDS = 2.0
# Of 128 bits: two references of a domain do not meet by chance.
HASH_DIGITS = 32


class StoredCallerHashes:
    """`CallerHashes` with secrets in the table of domains."""

    def __init__(self, client: "DynamoDBClient", table: str, wrapping: KmsWrapping) -> None:
        self._client = client
        self._table = table
        self._batches = BatchReader(client, table)
        self._wrapping = wrapping
        self._kept: dict[str, tuple[float, bytes]] = {}
        self._asked_again_at = 0.0

    def known(self, domain: str, caller: str) -> str | None:
        """See `CallerHashes`."""
        return self._hashed(domain, caller, self._read)

    def hashed(self, domain: str, caller: str) -> str:
        """See `CallerHashes`."""
        found = self._hashed(domain, caller, lambda name: self._read(name) or self._make(name))
        assert found
        return found

    def _hashed(self, domain: str, caller: str, read: Callable[[str], bytes | None]) -> str | None:
        now = time.monotonic()
        read_at, secret = self._kept.get(domain, (-KEPT_SECONDS, b""))
        if not secret or now - read_at >= KEPT_SECONDS:
            secret = self._unwrapped(domain, now, read)
            if not secret:
                return None
            self._kept[domain] = now, secret
        return hmac.digest(secret, caller.encode(), "sha256").hex()[:HASH_DIGITS]

    def _unwrapped(self, domain: str, now: float, read: Callable[[str], bytes | None]) -> bytes:
        """Reads the secret and unwraps it; empty if there is none."""
        if now < self._asked_again_at:
            raise StoreUnavailable
        try:
            wrapped = read(domain)
            return self._wrapping.unwrap(domain, wrapped) if wrapped else b""
        except StoreUnavailable:
            self._asked_again_at = now + RETRY_SECONDS
            raise

    def _read(self, domain: str) -> bytes | None:
        item = next(iter(self._batches.read([attempt_key(domain, KEY_ITEM)])), None)
        return bytes(item["wrapped"]["B"]) if item else None

    def _make(self, domain: str) -> bytes:
        """Makes the secret, unless somebody else is faster; returns the one that is stored."""
        wrapped = self._wrapping.wrap(domain, secrets.token_bytes(SECRET_BYTES))
        item = {**attempt_key(domain, KEY_ITEM), "version": {"N": "1"}, "wrapped": {"B": wrapped}}
        with suppress(VersionConflict), translated_errors():
            self._client.put_item(TableName=self._table, Item=item, **NOT_WRITTEN)
        stored = self._read(domain)
        if stored is None:
            raise StoreUnavailable
        return stored
