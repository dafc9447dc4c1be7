"""Where services take the time, pauses and identifiers from."""

import hashlib
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from uuid import UUID, uuid4, uuid5

from pydantic import BaseModel

type Clock = Callable[[], datetime]

_NAMESPACE = UUID("6f1c7a52-58f0-4e0e-9d35-6b1d1f2f7c11")


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


def identifier(idempotency_key: str | None, *scope: str) -> str:
    """Names an effect: always alike for one Idempotency-Key in one scope, so that a repeated effect is recognised."""
    return str(uuid5(_NAMESPACE, "/".join((*scope, idempotency_key))) if idempotency_key else uuid4())


def request_identifier(idempotency_key: str | None, request: BaseModel, *scope: str) -> str:
    """Names the effect of one request: a key that comes back with another body, whenever, names another effect."""
    if idempotency_key is None:
        return str(uuid4())
    body = hashlib.sha256(request.model_dump_json().encode()).hexdigest()
    return identifier(idempotency_key, *scope, body)


def jittered_pauses(attempts: int) -> Iterator[Callable[[], None]]:
    """Yields, for each attempt, a pause to take before the next one: full jitter, 5 ms doubling to 200 ms."""
    for attempt in range(attempts):
        longest = min(0.2, 0.005 * 2 ** min(attempt, 10))
        yield partial(time.sleep, random.uniform(0, longest))  # noqa: S311, spreads load, protects nothing
