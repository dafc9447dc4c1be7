"""The calls that nobody asks about any more."""

from collections.abc import Callable

from bonafide.errors import NotFound
from bonafide.observability import follow, logger
from bonafide.ports import SessionStore
from bonafide.services.clock import Clock, utc_now
from bonafide.services.evaluation import SessionJudge

CLOSED_AT_ONCE = 500
SECONDS_TO_CLOSE_ONE = 5.0


class SessionClosing:
    """Settles the calls that nobody asks about any more: the end was lost, or chunks never came."""

    def __init__(self, sessions: SessionStore, judge: SessionJudge, clock: Clock = utc_now) -> None:
        self._sessions = sessions
        self._judge = judge
        self._clock = clock

    def close_overdue(self, seconds_left: Callable[[], float]) -> int:
        """Looks at overdue calls while there is time; tells how many became final.

        Args:
            seconds_left: what remains of the invocation.
        """
        closed = 0
        for domain, session in self._sessions.due(self._clock(), CLOSED_AT_ONCE):
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
            return record is not None and self._judge.settle(record).decision_id is not None
        except NotFound:
            # The domain was deleted; its calls expire by themselves.
            return False
        except Exception as error:
            logger.error("call not settled", extra={"session": session, "error_type": type(error).__name__})
            return False
