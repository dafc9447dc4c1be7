"""Sealing of the archive's days."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import batched

from bonafide.errors import StoreUnavailable
from bonafide.observability import log_unexpected, logger, measurements
from bonafide.ports.ledger.archive import ArchiveReader, DayParts, DecisionIndex, SealStore
from bonafide.ports.stores import DomainStore
from bonafide.records.domain import DomainRecord
from bonafide.records.ledger.comparison import TableComparison
from bonafide.records.ledger.entry import StoredContent
from bonafide.records.ledger.seal import DaySeal, SealedEntry, is_due
from bonafide.records.ledger.verification import Fault
from bonafide.services.shared.clock import Clock, turns, utc_now

# What a run needs at its end to keep what it has read, and to write a seal.
SECONDS_AT_THE_END = 60.0
# Entries that are compared with the table in one call.
COMPARED_TOGETHER = 100


class Sealing:
    """Seals the days that are over, each with the seal before in it.

    A day is compared with the table of decisions, as far as that still holds them: what differs is named in the log,
    counted, and not sealed, so that it stays a finding of `verify`.
    """

    def __init__(
        self,
        archive: ArchiveReader,
        seals: SealStore,
        parts: DayParts,
        decisions: DecisionIndex,
        domains: DomainStore,
        clock: Clock = utc_now,
    ) -> None:
        self._archive = archive
        self._seals = seals
        self._parts = parts
        self._decisions = decisions
        self._domains = domains
        self._clock = clock

    def run(self, seconds_left: Callable[[], float]) -> list[DaySeal]:
        """Seals every day that is due while there is time; the next hour goes on. Returns the new seals."""
        made: list[DaySeal] = []
        for domain in turns(list(self._archive.domains()), self._clock()):
            made += self._domain(domain, seconds_left)
        return made

    def _domain(self, domain: str, seconds_left: Callable[[], float]) -> list[DaySeal]:
        """One domain that cannot be sealed must not keep the others from it."""
        made: list[DaySeal] = []
        unsealed = 1
        try:
            if seconds_left() >= SECONDS_AT_THE_END:
                former = self._newest(domain)
                due = self._due(domain, former)
                unsealed = len(due)
                for seal in self._seal_days(domain, due, former, seconds_left):
                    made.append(seal)
                    unsealed -= 1
        except Exception as error:
            log_unexpected(error)
        if unsealed:
            logger.warning("days not sealed", extra={"domain": domain, "count": unsealed})
        measurements.add(DaysUnsealed=unsealed)
        return made

    def _newest(self, domain: str) -> DaySeal | None:
        """Returns the newest seal, whose root a run that was killed may not have published."""
        seal = self._seals.newest(domain)
        if seal:
            self._seals.publish(domain, seal.published)
        return seal

    def _due(self, domain: str, former: DaySeal | None) -> list[date]:
        now = self._clock()
        return [day for day in self._archive.days(domain) if (not former or day > former.day) and is_due(day, now)]

    def _seal_days(
        self, domain: str, due: Sequence[date], former: DaySeal | None, seconds_left: Callable[[], float]
    ) -> Iterator[DaySeal]:
        for day in due:
            known = self._domains.domain(domain)
            entries = self._entries(domain, day, TableComparison(known, self._clock()), seconds_left)
            if entries is None:
                return
            seal = DaySeal.make(domain, day, former, entries, _least(known, day))
            # Another run may be faster; the next one goes on from its seal.
            if not self._seals.put(seal):
                return
            self._seals.publish(domain, seal.published)
            logger.info("day sealed", extra={"domain": domain, "day": day.isoformat(), "root": seal.root})
            yield seal
            former = seal

    def _entries(
        self, domain: str, day: date, comparison: TableComparison, seconds_left: Callable[[], float]
    ) -> list[SealedEntry] | None:
        """Reads and compares the entries of a day, beginning where the run before ended; None if the time is over."""
        entries = self._parts.begun(domain, day)
        kept = len(entries)
        faults: list[Fault] = []
        rest = self._archive.contents(domain, day, entries[-1].decision_id if entries else "")
        for some in batched(rest, COMPARED_TOGETHER):
            if seconds_left() < SECONDS_AT_THE_END:
                if entries[kept:]:
                    self._parts.keep(domain, day, kept, entries[kept:])
                return None
            stored = self._decisions.stored(domain, [each.name for each in some])
            for each in some:
                fault = comparison.fault(day, each, stored.get(each.name))
                if fault is None:
                    entries.append(SealedEntry.of(each.name, each.content or b""))
                else:
                    faults.append(_named(domain, day, each, fault))
        if faults and not entries and all(each is Fault.UNREADABLE for each in faults):
            # The fault is that of who reads.
            raise StoreUnavailable
        return entries


def _least(domain: DomainRecord | None, day: date) -> datetime | None:
    """Returns until when a seal is kept that may have refused records, and so have no entries."""
    if domain is None:
        return None
    return datetime.combine(day, time(), UTC) + timedelta(days=domain.retention.decision_days)


def _named(domain: str, day: date, found: StoredContent, fault: Fault) -> Fault:
    place = {"domain": domain, "day": day.isoformat(), "decision_id": found.name, "fault": str(fault)}
    logger.error("record not sealed", extra=place)
    measurements.add(RecordsNotSealed=1)
    return fault
