"""Closing of overdue sessions, whose end was lost or whose chunks never came."""

from collections.abc import Callable

from bonafide.errors import NotFound
from bonafide.observability import follow, logger
from bonafide.ports.stores import DomainStore, SessionStore
from bonafide.records.session import SessionRecord
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.lookups import require_not_deleting
from bonafide.services.streaming.judging import SessionJudge

SECONDS_TO_CLOSE_ONE = 5.0


class SessionClosing:
    """Makes the decisions of overdue sessions final."""

    def __init__(
        self, sessions: SessionStore, domains: DomainStore, judge: SessionJudge, clock: Clock = utc_now
    ) -> None:
        self._sessions = sessions
        self._domains = domains
        self._judge = judge
        self._clock = clock

    def close_overdue(self, seconds_left: Callable[[], float]) -> int:
        """Settles overdue sessions while there is time; returns how many became final.

        Args:
            seconds_left: returns the remaining time of the invocation.
        """
        closed = 0
        for domain, session in self._sessions.due(self._clock()):
            if seconds_left() < SECONDS_TO_CLOSE_ONE:
                break
            closed += self._close(domain, session)
        follow(None)
        return closed

    def _close(self, domain: str, session: str) -> bool:
        """The longest overdue come first, so one that cannot be settled must not stand in the way of the others."""
        try:
            record = self._sessions.session(domain, session)
            follow(record.request_id if record else None)
            return record is not None and self._settle(record)
        except Exception as error:
            logger.error("call not settled", extra={"session": session, "error_type": type(error).__name__})
            return False

    def _settle(self, record: SessionRecord) -> bool:
        try:
            return self._judge.settle(record).decision_id is not None
        except NotFound:
            self._forget(record.domain, record.session)
            return False

    def _forget(self, domain: str, session: str) -> None:
        """Deletes a session whose domain is deleted for good."""
        record = self._sessions.session(domain, session)
        try:
            require_not_deleting(self._domains, domain)
        except NotFound:
            if record:
                self._sessions.delete_session(record)
