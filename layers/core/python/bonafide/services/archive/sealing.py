"""Sealing of the archive's days."""

from collections.abc import Callable

from bonafide.observability import logger
from bonafide.ports.ledger import ArchiveReader, SealStore
from bonafide.records.ledger.seal import DaySeal, SealedEntry, is_due
from bonafide.services.shared.clock import Clock, utc_now

SECONDS_FOR_ONE = 60.0


class Sealing:
    """Seals the days that are over, each with the seal before in it."""

    def __init__(self, archive: ArchiveReader, seals: SealStore, clock: Clock = utc_now) -> None:
        self._archive = archive
        self._seals = seals
        self._clock = clock

    def run(self, seconds_left: Callable[[], float]) -> list[DaySeal]:
        """Seals every day that is due while there is time; the next hour goes on. Returns the new seals."""
        made: list[DaySeal] = []
        for domain in self._archive.domains():
            made += self._domain(domain, seconds_left)
        return made

    def _domain(self, domain: str, seconds_left: Callable[[], float]) -> list[DaySeal]:
        former, made = self._seals.newest(domain), list[DaySeal]()
        now = self._clock()
        for day in self._archive.days(domain):
            if (former and day <= former.day) or not is_due(day, now):
                continue
            if seconds_left() < SECONDS_FOR_ONE:
                logger.warning("days not sealed", extra={"domain": domain, "day": day.isoformat()})
                break
            contents = self._archive.contents(domain, day)
            entries = [SealedEntry.of(name, content) for name, content in contents.items()]
            former = DaySeal.make(domain, day, former, entries)
            if not self._seals.put(former):
                # Another run was faster; the next one goes on from its seal.
                break
            # The log keeps roots where neither function can change them.
            logger.info("day sealed", extra={"domain": domain, "day": day.isoformat(), "root": former.root})
            made.append(former)
        return made
