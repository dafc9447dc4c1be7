"""Secrets of domains."""

from typing import Protocol

from bonafide.errors import StoreUnavailable


class KeyRefused(StoreUnavailable):
    """Raised when the key management refuses, for good as far as is known, instead of not answering."""


class DomainSecrets(Protocol):
    """Makes secrets of domains, and opens those that it made."""

    def make(self, domain: str) -> tuple[bytes, bytes]:
        """Returns a new secret of 32 bytes, and the same encrypted for this domain.

        Raises:
            StoreUnavailable: the key management did not answer, or refuses.
        """

    def open(self, domain: str, wrapped: bytes) -> bytes:
        """Returns the secret that `make` encrypted for this domain.

        Raises:
            KeyRefused: it was made for another domain, or may not be opened.
            StoreUnavailable: the key management did not answer.
        """
