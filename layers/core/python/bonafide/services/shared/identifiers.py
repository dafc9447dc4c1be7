"""Identifiers of effects, by which a repeated effect is recognized."""

from uuid import UUID, uuid4, uuid5

from bonafide.records.request import RequestContext
from bonafide.records.session import SessionRecord

_NAMESPACE = UUID("6f1c7a52-58f0-4e0e-9d35-6b1d1f2f7c11")


def identifier(name: str | None, *scope: str) -> str:
    """Returns a UUID: always the same for one name in one scope, a new one without a name."""
    return str(uuid5(_NAMESPACE, "/".join((*scope, name))) if name else uuid4())


def request_identifier(context: RequestContext, *scope: str) -> str:
    """Returns the identifier of a request's effect: the same for one Idempotency-Key with one body in one scope."""
    return identifier(context.key, *scope, context.body_digest)


def session_decision(record: SessionRecord) -> str:
    """Returns the identifier of a session's final decision, which is known from the session's start on."""
    return identifier(record.session, record.domain, "session-decision", record.started_at.isoformat())


def speaker_counter(speaker: str) -> str:
    """Returns the name of the counter of failed attempts at a speaker."""
    return f"speaker#{speaker}"


def caller_counter(caller: str) -> str:
    """Returns the name of the counter of failed attempts by a caller, of whom only a keyed hash is known."""
    return f"caller#{caller}"


def counters(speaker: str | None, caller: str | None) -> tuple[str, ...]:
    """Returns the names of the counters that limit a decision.

    Args:
        speaker: who is claimed; nothing is counted without.
        caller: keyed hash of the reference to the caller, if any; empty where it could not be made.
    """
    if speaker is None:
        return ()
    return (speaker_counter(speaker), *((caller_counter(caller),) if caller else ()))
