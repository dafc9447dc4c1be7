"""Archiving of decisions, and the nightly search for those that were missed."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from bonafide.errors import StoreUnavailable
from bonafide.observability import log_unexpected, logger, measurements
from bonafide.ports.ledger import DecisionArchive, DecisionIndex, PersonalFields
from bonafide.ports.stores import DomainStore
from bonafide.records.decision import DecisionRecord
from bonafide.records.ledger.entry import ArchivedDecision, day_of, end_of, personal_of
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.settings import is_probed

# UTC hours after the end of a day in which it is compared, so that one failed run is followed by another.
COMPARED_AT = (1, 5)
# Days before today that are compared.
COMPARED_DAYS = 2
SECONDS_FOR_ONE = 20.0


class Archiving:
    """Adds decisions to the archive. Golden calls, which are about nobody, are left out."""

    def __init__(
        self, archive: DecisionArchive, personal: PersonalFields, probe_domain: str, clock: Clock = utc_now
    ) -> None:
        self._archive = archive
        self._personal = personal
        self._probe_domain = probe_domain
        self._clock = clock

    def take(self, record: DecisionRecord, until: datetime) -> bool:
        """Archives a decision until a time; tells whether it was not there, or already is over.

        Raises:
            StoreUnavailable: a store or the speaker's key did not answer.
        """
        now = self._clock()
        if is_probed(record.domain, self._probe_domain) or until <= now:
            return False
        name = record.decision_id or ""
        own = record.decided_at.astimezone(UTC).date()
        # A batch that is repeated late has decisions that are under their own day already.
        if day_of(record.decided_at, now) != own and self._archive.has(record.domain, own, name):
            return False
        personal = self._personal.seal(record.domain, record.speaker, name, personal_of(record))
        return self._archive.put(ArchivedDecision.of(record, personal, until, now))


class Reconciliation:
    """Finds decisions that the stream of the table lost, and archives them."""

    def __init__(
        self,
        domains: DomainStore,
        decisions: DecisionIndex,
        archive: DecisionArchive,
        archiving: Archiving,
        clock: Clock = utc_now,
    ) -> None:
        self._domains = domains
        self._decisions = decisions
        self._archive = archive
        self._archiving = archiving
        self._clock = clock

    def run(self, seconds_left: Callable[[], float], days: int | None = None) -> int:
        """Compares the last days of all domains while there is time; returns how many decisions were archived.

        Args:
            seconds_left: returns the remaining time of the invocation.
            days: how many days before today are compared; by default two, in some hours of the night only.
        """
        now = self._clock()
        if days is None and now.hour not in COMPARED_AT:
            return 0
        today = now.astimezone(UTC).date()
        added = 0
        for domain in self._domains.domain_names():
            if seconds_left() < SECONDS_FOR_ONE:
                logger.warning("domains not compared with the archive")
                break
            first = today - timedelta(days=COMPARED_DAYS if days is None else days)
            added += self._compared(domain, first, today)
        measurements.add(DecisionsReconciled=added)
        return added

    def _compared(self, domain: str, first: date, today: date) -> int:
        """Archives what is missing of the days before today; late entries are under a later day than their own."""
        days = [each for each in self._archive.days(domain) if each >= first]
        archived = {name for day in days for name in self._archive.names(domain, day)}
        begin = datetime.combine(first, time(), UTC)
        positions = self._decisions.positions(domain, begin, end_of(today - timedelta(days=1)))
        return sum(self._missed(domain, each.decision_id) for each in positions if each.decision_id not in archived)

    def _missed(self, domain: str, decision_id: str) -> bool:
        try:
            found = self._decisions.stored(domain, decision_id)
            return found is not None and self._archiving.take(*found)
        except StoreUnavailable:
            raise
        except Exception as error:
            # One decision that cannot be read must not hide the others.
            log_unexpected(error)
            return False
