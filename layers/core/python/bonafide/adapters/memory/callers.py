"""Keyed hashes of references to callers, with secrets in memory."""

import hmac
import secrets


class MemoryCallerHashes:
    """`CallerHashes` in memory."""

    def __init__(self) -> None:
        self._secrets: dict[str, bytes] = {}

    def known(self, domain: str, caller: str) -> str | None:
        """See `CallerHashes`."""
        return self.hashed(domain, caller) if domain in self._secrets else None

    def hashed(self, domain: str, caller: str) -> str:
        """See `CallerHashes`."""
        secret = self._secrets.setdefault(domain, secrets.token_bytes(32))
        return hmac.digest(secret, caller.encode(), "sha256").hex()[:32]
