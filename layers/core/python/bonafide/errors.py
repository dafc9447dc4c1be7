"""Every error that Bonafide answers with, as one tree.

    BonafideError
    ├── InvalidInput            400  the request itself is wrong
    │   ├── UnsupportedMediaType 415 the body is not JSON
    │   ├── IdempotencyKeyReused 422 the key is known with another body
    │   └── UnsupportedAudio    422  the request is well formed, its audio cannot be used
    ├── NotFound                404
    ├── Conflict                409  right request, wrong state
    ├── TooLarge                413
    ├── Overloaded              429  slow down
    └── Unavailable             503  try again later

`code` is stable: integrators branch on it. `detail` is for people and never holds audio, embeddings or personal data.
"""

from collections.abc import Mapping
from typing import Any


class BonafideError(Exception):
    """Base of every error that is answered to a caller.

    Attributes:
        code: stable snake_case identifier of this very condition.
        detail: one sentence for a person.
        field: the part of the request that is wrong, as a dotted path.
        limit: what would have been accepted.
        found: what was there instead, shortened and harmless.
    """

    status = 500

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        limit: object = None,
        found: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.field = field
        self.limit = limit
        self.found = found
        self.headers = dict(headers or {})

    def __reduce__(self) -> tuple[Any, ...]:
        """Between processes: by what it holds, since arguments that have to be named cannot be handed to `__init__`."""
        return BonafideError.__new__, (type(self), *self.args), self.__dict__


class InvalidInput(BonafideError):
    """A field is missing, malformed or out of range."""

    status = 400


class UnsupportedAudio(InvalidInput):
    """The audio is malformed, of an unsupported kind, or of a length that is not taken."""

    status = 422


class UnsupportedMediaType(InvalidInput):
    """The body is of a media type that is not taken."""

    status = 415


class IdempotencyKeyReused(InvalidInput):
    """The Idempotency-Key is known with another body."""

    status = 422


class NotFound(BonafideError):
    """The named domain, speaker or object does not exist."""

    status = 404


class Conflict(BonafideError):
    """The request is right, but the state of its target does not allow it."""

    status = 409


class TooLarge(BonafideError):
    """The request carries more than is taken at once."""

    status = 413


class Overloaded(BonafideError):
    """More arrives than can be worked on in time; what was accepted before is not affected."""

    status = 429


class AudioOverload(Overloaded):
    """More audio arrives than the stream takes, or than can be scored in time."""

    def __init__(self) -> None:
        super().__init__(
            "audio_overload", "More audio arrives than can be scored in time.", headers={"Retry-After": "1"}
        )


class Unavailable(BonafideError):
    """A dependency did not answer in time; nothing was half written, and a retry is safe."""

    status = 503


class StoreUnavailable(Unavailable):
    """A table or bucket was throttled, slow or failing beyond the bounded retries."""

    def __init__(self) -> None:
        super().__init__(
            "store_unavailable", "The store did not answer in time; repeat the request.", headers={"Retry-After": "1"}
        )
