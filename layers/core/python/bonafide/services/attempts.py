"""Counters of failed attempts: read, and reset by an administrator."""

from collections.abc import Sequence
from datetime import timedelta

from bonafide.biometrics.presentation.attempts import Attempts
from bonafide.errors import StoreUnavailable
from bonafide.observability import logger, measurements
from bonafide.ports.signatures import CallerHashes
from bonafide.ports.stores import AttemptStore, DomainStore
from bonafide.records.domain import DomainRecord
from bonafide.records.history.attempt_reset import AttemptReset
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.identifiers import caller_counter, speaker_counter
from bonafide.services.shared.lookups import require_open, require_speaker

SHOWN_RESETS = 20
# The longest window of a policy: until then failures from before a reset could count.
LONGEST_WINDOW = timedelta(days=1)

# The domain, a counter in it, and the counter's newest resets, the newest first.
type CounterWithResets = tuple[DomainRecord, Attempts, Sequence[AttemptReset]]


class AttemptResets:
    """Reads and resets counters of failed attempts."""

    def __init__(
        self, attempts: AttemptStore, domains: DomainStore, callers: CallerHashes, clock: Clock = utc_now
    ) -> None:
        self._attempts = attempts
        self._domains = domains
        self._callers = callers
        self._clock = clock

    def of_speaker(self, domain: str, speaker: str) -> CounterWithResets:
        """Reads the failed attempts at a speaker.

        Raises:
            NotFound: the domain or the speaker is unknown.
            StoreUnavailable: the counter could not be read.
        """
        counter = speaker_counter(speaker)
        found, known, _ = self._domains.find_with_brake(domain, speaker, [counter])
        owner, record = require_speaker(found, known, domain, speaker)
        return owner, self._counter(owner).since(record.created_at), self._resets(domain, counter)

    def reset(
        self, domain: str, speaker: str | None, caller: str | None, reason: str, principal: str | None
    ) -> CounterWithResets:
        """Lets nothing that failed so far, at the speaker or by the caller, limit decisions any more.

        Raises:
            NotFound: the domain or the speaker is unknown.
            StoreUnavailable: the caller's counter could not be found.
        """
        found, known = self._domains.find(domain, speaker or "")
        if speaker is None:
            require_open(found, domain)
            counter = caller_counter(self._callers.hashed(domain, caller or ""))
        else:
            require_speaker(found, known, domain, speaker)
            counter = speaker_counter(speaker)
        self._reset(domain, counter, reason, principal)
        found, _, _ = self._domains.find_with_brake(domain, speaker or "", [counter])
        changed = require_open(found, domain)
        return changed, self._counter(changed), self._resets(domain, counter)

    def _counter(self, domain: DomainRecord) -> Attempts:
        if domain.attempts is None:
            raise StoreUnavailable
        return domain.attempts[0]

    def _resets(self, domain: str, counter: str) -> Sequence[AttemptReset]:
        return self._attempts.resets(domain, counter, SHOWN_RESETS)

    def _reset(self, domain: str, counter: str, reason: str, principal: str | None) -> None:
        now = self._clock()
        self._attempts.reset(AttemptReset(domain, counter, now, reason, principal), now + LONGEST_WINDOW)
        measurements.add(AttemptResets=1)
        # The counter is not named: it holds the speaker.
        logger.warning("attempts reset", extra={"domain": domain, "reason": reason, "principal": principal})
