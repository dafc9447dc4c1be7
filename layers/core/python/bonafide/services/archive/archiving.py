"""Archiving of decisions, and the nightly search for those that were missed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, auto
from itertools import batched, repeat

from bonafide.errors import StoreUnavailable
from bonafide.observability import log_unexpected, logger, measurements
from bonafide.ports.ledger.archive import DecisionArchive, DecisionEvents, DecisionIndex, PersonalFields
from bonafide.ports.stores import DomainStore
from bonafide.records.ledger.entry import ArchivedDecision, StoredDecision, day_of, digest_of, end_of, personal_part
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.settings import is_probed

# UTC hours after the end of a day in which it is compared, so that one failed run is followed by another.
COMPARED_AT = (1, 5)
# Days before today that are compared.
COMPARED_DAYS = 3
SECONDS_AT_THE_END = 20.0
# Decisions that are read in one call, and archived at once: most of the time is that of S3.
ADDED_TOGETHER = 100
WRITERS = 16


class Archiving:
    """Adds decisions to the archive. Golden calls, which are about nobody, are left out."""

    def __init__(
        self, archive: DecisionArchive, personal: PersonalFields, probe_domain: str, clock: Clock = utc_now
    ) -> None:
        self._archive = archive
        self._personal = personal
        self._probe_domain = probe_domain
        self._clock = clock

    def is_archived(self, decision: StoredDecision) -> bool:
        """Tells whether the archive takes a decision: it is of no golden call, and its retention goes on."""
        return not is_probed(decision.domain, self._probe_domain) and self._clock() < decision.until

    def take(self, decision: StoredDecision) -> bool:
        """Archives a decision, if it is one to archive; tells whether it was not there.

        Raises:
            StoreUnavailable: a store or the speaker's key did not answer.
        """
        if not self.is_archived(decision):
            return False
        now = self._clock()
        domain, name = decision.domain, decision.decision_id
        own = decision.decided_at.date()
        # A batch that is repeated late has decisions that are under their own day already.
        if day_of(decision.decided_at, now) != own and self._archive.has(domain, own, name):
            return False
        personal = self._personal.seal(decision, personal_part(decision.document))
        return self._archive.put(ArchivedDecision.of(decision, personal, now))


class Reconciled(Enum):
    """Result for one decision, or for a whole domain that could not be compared."""

    ADDED = auto()
    THERE = auto()
    UNREADABLE = auto()
    UNANSWERED = auto()


@dataclass(frozen=True, slots=True)
class _Run:
    """Limits of one run.

    Attributes:
        seconds_left: returns the remaining time of the invocation.
        writers: what archives at once.
    """

    seconds_left: Callable[[], float]
    writers: ThreadPoolExecutor

    def is_over(self, domain: str) -> bool:
        """Tells whether the time is over, and logs the domain that it ends."""
        if self.seconds_left() >= SECONDS_AT_THE_END:
            return False
        logger.warning("domain not compared with the archive to its end", extra={"domain": domain})
        return True


def by_chance(names: Iterable[str], now: datetime) -> list[str]:
    """Orders names anew every hour: steps of equal size may begin with the same ones in some hours of each night."""
    return sorted(names, key=lambda each: digest_of(f"{int(now.timestamp() // 3600)} {each}".encode()))


class Reconciliation:
    """Finds decisions that the stream of the table lost, and archives them."""

    def __init__(
        self,
        domains: DomainStore,
        decisions: DecisionIndex,
        archive: DecisionArchive,
        archiving: Archiving,
        events: DecisionEvents,
        clock: Clock = utc_now,
    ) -> None:
        self._domains = domains
        self._decisions = decisions
        self._archive = archive
        self._archiving = archiving
        self._events = events
        self._clock = clock

    def run(self, seconds_left: Callable[[], float], days: int | None = None) -> int:
        """Compares the last days of all domains while there is time; returns how many decisions were archived.

        What the time ends is gone on with by the next run, which begins with another domain.

        Args:
            seconds_left: returns the remaining time of the invocation.
            days: how many days before today are compared; by default three, in some hours of the night only.

        Raises:
            StoreUnavailable: a store did not answer; what did not need it is archived.
        """
        now = self._clock()
        if days is None and now.hour not in COMPARED_AT:
            return 0
        today = now.astimezone(UTC).date()
        first = today - timedelta(days=COMPARED_DAYS if days is None else days)
        done = Counter[Reconciled]()
        with ThreadPoolExecutor(WRITERS) as writers:
            for domain in by_chance(self._domains.domain_names(), now):
                done.update(self._domain(domain, first, today, _Run(seconds_left, writers)))
        measurements.add(DecisionsReconciled=done[Reconciled.ADDED], DecisionsNotArchived=done[Reconciled.UNREADABLE])
        if done[Reconciled.UNANSWERED]:
            raise StoreUnavailable
        return done[Reconciled.ADDED]

    def _domain(self, domain: str, first: date, today: date, run: _Run) -> Iterator[Reconciled]:
        """Archives what is missing of a domain; one that cannot be compared must not keep the others from it."""
        try:
            for some in batched(self._missing(domain, first, today, run), ADDED_TOGETHER):
                stored = self._decisions.stored(domain, some)
                done = list(run.writers.map(self._take, repeat(domain), stored, stored.values()))
                added = zip(stored.values(), done, strict=True)
                self._events.announce([each for each, result in added if result is Reconciled.ADDED])
                yield from done
        except Exception as error:
            log_unexpected(error)
            yield Reconciled.UNANSWERED

    def _missing(self, domain: str, first: date, today: date, run: _Run) -> Iterator[str]:
        """Yields what no day has, while there is time; late entries are under a later day than their own."""
        days = [] if run.is_over(domain) else [each for each in self._archive.days(domain) if each >= first]
        archived = set[str]()
        for day in days:
            for name in self._archive.names(domain, day):
                if run.is_over(domain):
                    return
                archived.add(name)
        begin = datetime.combine(first, time(), UTC)
        for each in self._decisions.positions(domain, begin, end_of(today - timedelta(days=1))):
            if run.is_over(domain):
                return
            if each.decision_id not in archived:
                yield each.decision_id

    def _take(self, domain: str, name: str, decision: StoredDecision) -> Reconciled:
        try:
            return Reconciled.ADDED if self._archiving.take(decision) else Reconciled.THERE
        except StoreUnavailable:
            return Reconciled.UNANSWERED
        except Exception as error:
            # One decision that cannot be read must not hide the others.
            log_unexpected(error)
            logger.error("decision not archived", extra={"domain": domain, "decision_id": name})
            return Reconciled.UNREADABLE
