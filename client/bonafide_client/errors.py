"""Exceptions of the client; `BonafideClientError` is their base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class BonafideClientError(Exception):
    """Base of every error of this package."""


class InvalidIdentifier(BonafideClientError):
    """A name is not an identifier of the contract; no request was sent."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(
            f"{kind} {name[:64]!r} is not an identifier: 1 to 64 of A-Z a-z 0-9 . _ -, the first alphanumeric"
        )


class ProblemError(BonafideClientError):
    """The service refuses the request, and would refuse it again.

    Attributes:
        status: HTTP status; 0 if no answer came.
        code: stable code of the problem document, to branch on.
        detail: explanation for people.
        errors: what is wrong, each with `field`, `limit` and `found`.
        request_id: to be quoted to whoever runs the service; empty if unknown.
        retry_after: seconds that the service asks to wait; 0 if it does not.
    """

    def __init__(
        self, status: int, document: Mapping[str, Any], *, request_id: str = "", retry_after: float = 0.0
    ) -> None:
        self.status = status
        self.code = str(document.get("code", status))
        self.detail = str(document.get("detail", ""))
        self.errors: Sequence[Mapping[str, Any]] = document.get("errors") or []
        self.request_id = str(document.get("request_id") or request_id)
        self.retry_after = retry_after
        super().__init__(f"{self.code}: {self.detail}")


class RetriesExhausted(ProblemError):
    """The request may succeed later, but the retry budget is used up.

    It is the last problem that the service answered with, or `no_answer` with status 0 if it could not be reached.

    Attributes:
        attempts: how often the request was sent.
    """

    attempts = 1

    def __str__(self) -> str:
        return f"{super().__str__()} (gave up after {self.attempts} attempts)"


class TooManyRequests(RetriesExhausted):
    """The service throttles: it answered 429 until the retry budget was used up."""


class NotDecided(BonafideClientError):
    """A session has no final decision after the time that one takes."""


class UnplayableRecording(BonafideClientError):
    """A recording cannot be streamed: it is damaged, of another format, or the caller's channel is not named."""


class MissingCredentials(BonafideClientError):
    """An API on AWS needs signed requests, and there is nothing to sign with."""
