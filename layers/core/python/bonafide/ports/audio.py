"""Stores of recordings."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from bonafide.records.erasure import ErasureRecord


class AudioStore(Protocol):
    """Uploaded audio, audio that a domain chose to keep, and what of it was erased lately."""

    def presign_upload(self, key: str, expires_seconds: int, length: int | None, media_type: str | None = None) -> str:
        """Returns a URL that takes a PUT of `length` bytes, or of any number, of a type, or of any, under `key`."""

    def fetch(self, key: str, limit: int) -> bytes | None:
        """Reads an object; None when there is none.

        Raises:
            TooLarge: the object has more than `limit` bytes; nothing was read.
        """

    def keep(self, key: str, content: bytes, described: Mapping[str, str] | None = None) -> None:
        """Writes an object with a few words about it, all ASCII."""

    def kept(self, key: str) -> tuple[bytes, Mapping[str, str]] | None:
        """Reads an object with what was said about it; None when there is none."""

    def names(self, prefix: str) -> Sequence[str]:
        """Lists the keys of at most a thousand objects under a prefix."""

    def discard(self, prefix: str) -> int:
        """Deletes at most a thousand objects under a prefix; returns how many, 0 when there were none."""

    def record_erasure(self, erasure: ErasureRecord) -> None:
        """Writes the record of an erasure; it outlives what was erased by as long as backups do."""
