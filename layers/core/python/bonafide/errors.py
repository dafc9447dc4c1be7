"""Every error that Bonafide answers with, as one tree.

    BonafideError
    ├── InvalidInput             the request itself is wrong
    │   ├── UnsupportedMediaType the body is not JSON
    │   ├── IdempotencyKeyReused the key is known with another body
    │   └── UnsupportedAudio     the request is well formed, its audio cannot be used
    ├── AccessDenied             the sender may not do this there
    ├── NotFound                 the target does not exist
    ├── Conflict                 right request, wrong state
    │   └── AnswerOutdated       the answer to the repeated request is about what is no longer there
    ├── PreconditionFailed       the target is not as the request says that it knows it
    ├── PreconditionRequired     the request does not say which state of the target it knows
    ├── TooLarge                 more than is accepted at once
    ├── Overloaded               slow down
    └── Unavailable              try again later

`code` is stable: integrators branch on it. `detail` is for people and never holds audio, embeddings or personal data.
Names of JSON fields, headers and statuses are added in `http`.
"""

from enum import StrEnum
from typing import Any


class Subject(StrEnum):
    """Names of things that an error can be about."""

    AUDIO = "audio"
    AUDIO_TEXT = "audio text"
    SAMPLE_RATE = "sample rate"
    CHANNEL = "channel"
    UPLOAD = "upload"
    CHUNK_ENCODING = "chunk encoding"
    CHUNK_SAMPLE_RATE = "chunk sample rate"
    CHUNK_CHANNEL = "chunk channel"
    CHUNK_NUMBER = "chunk number"
    CHUNK_COUNT = "chunk count"
    CONSENT_TIME = "consent time"
    CONSENT_END = "consent end"
    POLICY = "policy"
    POLICY_VERSION = "policy_version"
    STAGED_VERSION = "staged_version"
    IMPOSTOR_PRIOR = "impostor prior"
    SPOOF_PRIOR = "spoof prior"
    PRINCIPALS = "principals"
    ADMINISTRATOR = "administrator"
    QUOTA = "quota"
    BEGIN = "begin"
    CURSOR = "cursor"
    KNOWN_AT = "known_at"
    DECISION = "decision"
    ERASURE = "erasure"
    CONTRIBUTION = "contribution"
    DOMAIN = "domain"
    SPEAKER = "speaker"
    SPEAKERS = "speakers"
    SESSION = "session"
    FRAUDSTER = "fraudster"
    WATCHLIST = "watchlist"
    EXPIRY = "expiry"
    MODEL_VERSION = "model version"
    MANIFEST = "manifest"
    DOCUMENTS = "documents"
    PROMOTION = "promotion"


class BonafideError(Exception):
    """Base of every error that is answered to a client.

    Attributes:
        code: stable snake_case identifier of the error.
        detail: one sentence for a person.
        subject: thing that is wrong, one of `Subject` unless only one protocol knows it.
        limit: range or value that would have been accepted.
        found: value that was found instead, shortened and harmless.
        retry_after: seconds after which a retry may succeed; None when time alone changes nothing.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        subject: str | None = None,
        limit: object = None,
        found: object = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.subject = subject
        self.limit = limit
        self.found = found
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles by attributes, since arguments that have to be named cannot be handed to `__init__`."""
        return BonafideError.__new__, (type(self), *self.args), self.__dict__


class InvalidInput(BonafideError):
    """Raised when a field is missing, malformed or out of range."""


class UnsupportedAudio(InvalidInput):
    """Raised when audio is malformed, of an unsupported kind, or of an unsupported length."""


class UnsupportedMediaType(InvalidInput):
    """Raised when the body's media type is not supported."""


class IdempotencyKeyReused(InvalidInput):
    """Raised when the Idempotency-Key is known with another body."""


class AccessDenied(BonafideError):
    """Raised when the sender has no role that the operation needs; whether its target exists is not told."""

    def __init__(self) -> None:
        super().__init__("role_missing", "None of your roles permits this here, if it exists.")


class NotFound(BonafideError):
    """Raised when the named domain, speaker or object does not exist."""


class Conflict(BonafideError):
    """Raised when the request is right, but the state of its target does not allow it."""


class AnswerOutdated(Conflict):
    """Raised when a repeated request was answered before, but about a predecessor of the domain or the speaker."""

    def __init__(self) -> None:
        super().__init__(
            "answer_outdated",
            "This Idempotency-Key was used before the domain or the speaker was deleted, opted out or enrolled anew; "
            "send a new request under a new key.",
        )


class PreconditionFailed(BonafideError):
    """Raised when the target has changed since it was read, or is not as the request says."""


class PreconditionRequired(BonafideError):
    """Raised when a change does not say which state of its target it was made from."""


class TooLarge(BonafideError):
    """Raised when the request carries more than is accepted at once."""


class Overloaded(BonafideError):
    """Raised when more arrives than can be processed in time; accepted work is not affected."""


class AudioOverload(Overloaded):
    """Raised when more audio arrives than the stream accepts, or than can be scored in time."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__("audio_overload", "More audio arrives than can be scored in time.", retry_after=retry_after)


class QuotaExceeded(Overloaded):
    """Raised when a domain begins more work than its quota allows; nothing was done."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            "quota_exceeded", "The domain begins more work than its quota allows.", retry_after=retry_after
        )


class Unavailable(BonafideError):
    """Raised when a dependency did not answer in time; nothing was half written, and a retry is safe."""


class StoreUnavailable(Unavailable):
    """Raised when a table or bucket was throttled, slow or failing beyond the bounded retries."""

    def __init__(self) -> None:
        super().__init__("store_unavailable", "The store did not answer in time; repeat the request.", retry_after=1)
