"""Lookups of records that have to exist."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from bonafide.access.authorization import current
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.errors import AccessDenied, Conflict, InvalidInput, NotFound, PreconditionFailed, Subject
from bonafide.observability import follow
from bonafide.ports.stores import DomainStore, SessionStore
from bonafide.records.domain import DomainRecord, DomainState
from bonafide.records.session import SessionRecord
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.retries import retry_on_conflict

WRITE_ATTEMPTS = 10


def domain_not_found(domain: str) -> NotFound:
    """Makes the error for a domain that does not exist or is being deleted."""
    return NotFound("domain_not_found", "There is no such domain.", subject=Subject.DOMAIN, found=domain)


def decision_not_found(decision_id: str) -> NotFound:
    """Makes the error for a decision that does not exist, was erased, or whose retention is over."""
    return NotFound(
        "decision_not_found", "There is no such decision in the domain.", subject=Subject.DECISION, found=decision_id
    )


def require_range(begin: datetime, end: datetime) -> None:
    """Refuses an empty range of time.

    Raises:
        InvalidInput: it does not begin before its end.
    """
    if begin >= end:
        raise InvalidInput(
            "time_range_empty",
            "The range of time is empty: its begin has to be before its end.",
            subject=Subject.BEGIN,
            limit=f"before {end.isoformat()}",
            found=begin.isoformat(),
        )


def require_permitted(record: DomainRecord | None) -> None:
    """Refuses a sender without a role that the operation needs, by the domain's record as it was just read.

    Work that no request asked for is let pass.

    Raises:
        AccessDenied: the sender has no such role in the domain; or there is no such domain, and no role everywhere.
    """
    sender = current()
    if sender and not (sender.permits(record.principals) if record else sender.permits_unknown()):
        raise AccessDenied


def require_revision(record: DomainRecord | None, revisions: Collection[str] | None) -> None:
    """Refuses a change from another revision of a domain than it is.

    Args:
        record: of the domain as it was just read.
        revisions: of which it has to be one; empty for any, None if the request names none.

    Raises:
        PreconditionFailed: it is another one, or there is none.
    """
    if revisions is None or (record and (not revisions or record.revision in revisions)):
        return
    raise PreconditionFailed("domain_revision_outdated", "The domain has changed since; read it, and decide again.")


def require_stage_role() -> None:
    """Refuses a sender without a role in the stage that the operation needs, where the stage binds anybody.

    Raises:
        AccessDenied: the sender has none, or only one in the domain.
    """
    sender = current()
    if sender and not sender.permits_stage():
        raise AccessDenied


def require_open(record: DomainRecord | None, domain: str) -> DomainRecord:
    """Returns the record of a domain that takes requests, from senders whom it permits.

    Raises:
        AccessDenied: the sender has no role that the operation needs.
        NotFound: the domain does not exist or takes no requests.
    """
    require_permitted(record)
    if record is None or not record.is_open:
        raise domain_not_found(domain)
    return record


def require_not_deleting(store: DomainStore, domain: str) -> DomainRecord:
    """Refuses a domain that is deleted or being deleted; one that may still open again is let pass.

    Raises:
        NotFound: it is deleted or being deleted.
    """
    return refuse_deleting(store.domain(domain), domain)


def refuse_deleting(record: DomainRecord | None, domain: str) -> DomainRecord:
    """Refuses a domain by its record, as `require_not_deleting`.

    Raises:
        AccessDenied: the sender has no role that the operation needs.
        NotFound: it is deleted or being deleted.
    """
    require_permitted(record)
    if record is None or record.state is DomainState.DELETING:
        raise domain_not_found(domain)
    return record


def find_speaker(store: DomainStore, domain: str, speaker: str) -> tuple[DomainRecord, SpeakerRecord]:
    """Reads an open domain and one of its speakers.

    Raises:
        NotFound: one of them is unknown.
    """
    return require_speaker(*store.find(domain, speaker), domain, speaker)


def require_speaker(
    found: DomainRecord | None, record: SpeakerRecord | None, domain: str, speaker: str
) -> tuple[DomainRecord, SpeakerRecord]:
    """Returns the records of an open domain and one of its speakers, of the names that they were looked up by.

    Raises:
        NotFound: one of them is unknown.
    """
    found = require_open(found, domain)
    if record is None:
        raise NotFound(
            "speaker_not_found", "There is no such speaker in the domain.", subject=Subject.SPEAKER, found=speaker
        )
    return found, record


def newest_served(usable: Sequence[Voiceprint]) -> Voiceprint:
    """Returns the first of the voiceprints that a caller can be compared with.

    Raises:
        Conflict: there is none, since the bundle serves no embedding space of a complete voiceprint.
    """
    if not usable:
        raise Conflict("voiceprint_outdated", "The voiceprint was made by other models; enroll the speaker again.")
    return usable[0]


def find_session(store: SessionStore, domain: str, session: str) -> SessionRecord:
    """Reads a session, and marks logs and traces with it.

    Raises:
        NotFound: it is unknown, or older than a day.
    """
    return follow_session(store.session(domain, session), session)


def follow_session(record: SessionRecord | None, session: str) -> SessionRecord:
    """Marks logs and traces with a session that was read.

    Raises:
        NotFound: it is unknown, or older than a day.
    """
    if record is None:
        raise session_not_found(session)
    follow(record.request_id)
    return record


def session_not_found(session: str) -> NotFound:
    """Makes the error for a session that does not exist, or belongs to a domain that was deleted."""
    return NotFound(
        "session_not_found", "There is no such session in the domain.", subject=Subject.SESSION, found=session
    )


def refuse_former(record: SessionRecord, domain: DomainRecord) -> None:
    """Refuses a session that began in a domain which had this name before.

    Raises:
        NotFound: it did.
    """
    if record.started_at < domain.created_at:
        raise session_not_found(record.session)


def change_session(
    store: SessionStore, domain: str, session: str, change: Callable[[SessionRecord], SessionRecord]
) -> SessionRecord:
    """Changes a session as it is stored; returns the changed one.

    Args:
        store: of sessions.
        domain: of the session.
        session: its identifier.
        change: returns the changed record, or the one that it was given to leave it as it is.

    Raises:
        NotFound: the session is unknown.
    """

    def attempt() -> SessionRecord:
        record = find_session(store, domain, session)
        changed = change(record)
        if changed is record:
            return record
        changed = replace(changed, version=record.version + 1)
        store.put_session(changed)
        return changed

    return retry_on_conflict(WRITE_ATTEMPTS, attempt)


def require_not_final(record: SessionRecord) -> None:
    """Refuses changes of a session whose decision is final.

    Raises:
        Conflict: it is.
    """
    if record.finalized_at:
        raise Conflict("session_final", "The session's decision is final.", subject=Subject.SESSION)


def domain_deleting() -> Conflict:
    """Returns the refusal of what a domain that is being deleted takes no more."""
    return Conflict(
        "domain_deleting",
        "The domain is being deleted; repeat the deletion until it is gone.",
        subject=Subject.DOMAIN,
        retry_after=1,
    )


def domain_changed() -> Conflict:
    """Returns the refusal of a change that another one overtook."""
    return Conflict("domain_changed", "The domain was changed at the same time; repeat the request.")
