"""The check of a domain's archive: sealed days against their seals, the others against the table of decisions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import batched

from bonafide.adapters.ledger.archive import ENTRIES
from bonafide.records.ledger.comparison import TableComparison
from bonafide.records.ledger.entry import ArchivedDecision, StoredContent
from bonafide.records.ledger.seal import DaySeal, KnownRoot, utc_day
from bonafide.records.ledger.verification import Fault, Finding, verify
from ops.ledger.chain import StoredChain
from ops.ledger.stage import LedgerOfStage

# A decision is archived within seconds; younger ones than this may be on their way.
ON_THE_WAY = timedelta(minutes=1)
COMPARED_TOGETHER = 100


@dataclass(slots=True)
class LedgerCheck:
    """One check of a domain.

    Attributes:
        ledger: of the stage.
        domain: whose decisions are checked.
        now: time of the check.
        only: days whose entries are read; empty reads all. The chain of seals is always checked as a whole.
    """

    ledger: LedgerOfStage
    domain: str
    now: datetime
    only: Sequence[date] = ()
    _read: dict[date, Mapping[str, StoredContent]] = field(default_factory=dict)

    def run(self, known: KnownRoot | None = None) -> tuple[str, bool]:
        """Returns the report, and whether nothing was found.

        Args:
            known: a root that was kept elsewhere.
        """
        chain = StoredChain(self.domain, self.now)
        chain.read(self.ledger.seals)
        days = [each for each in self.ledger.archive.days(self.domain) if self._wanted(each)]
        roots = [*chain.roots, *([known] if known else [])]
        unsealed = sorted({*days, utc_day(self.now)} - {each.day for each in chain.seals})
        found = {
            *chain.found,
            *verify(chain.seals, days, self._contents, self.now, roots, only=self.only or None),
            *(Finding(Fault.STRAY, None, self._key(each)) for each in self.ledger.archive.strays(self.domain)),
            *self._against_table([each for each in unsealed if self._wanted(each)]),
        }
        shown = [_shown(each) for each in sorted(found, key=lambda each: each.place)]
        return "\n".join([*shown, *self._summary(chain.seals, unsealed)]), not found

    def _key(self, name: str) -> str:
        return f"{ENTRIES}{self.domain}/{name}"

    def _wanted(self, day: date) -> bool:
        return not self.only or day in self.only

    def _contents(self, day: date) -> Mapping[str, StoredContent]:
        if day not in self._read:
            self._read[day] = {each.name: each for each in self.ledger.archive.contents(self.domain, day)}
        return self._read[day]

    def _against_table(self, days: Sequence[date]) -> list[Finding]:
        return [*self._entries(days), *self._missing(days)] if days else []

    def _entries(self, days: Sequence[date]) -> Iterator[Finding]:
        comparison = TableComparison(self.ledger.domains.domain(self.domain), self.now)
        for day in days:
            for some in batched(self._contents(day).values(), COMPARED_TOGETHER):
                stored = self.ledger.decisions.stored(self.domain, [each.name for each in some])
                for each in some:
                    if fault := comparison.fault(day, each, stored.get(each.name)):
                        yield Finding(fault, day, each.name)
                    elif each.covered and self.now < ArchivedDecision.from_bytes(each.content or b"").until:
                        yield Finding(Fault.COVERED, day, each.name)

    def _missing(self, days: Sequence[date]) -> Iterator[Finding]:
        """Yields the decisions of the table that are under none of these days, nor under a later one."""
        archived = {
            name for day in self.ledger.archive.days(self.domain) if day >= days[0] for name in self._names(day)
        }
        begin, end = datetime.combine(days[0], time(), UTC), self.now - ON_THE_WAY
        for position in self.ledger.decisions.positions(self.domain, begin, end) if begin < end else ():
            day = position.decided_at.date()
            if day in days and position.decision_id not in archived:
                yield Finding(Fault.REMOVED, day, position.decision_id)

    def _names(self, day: date) -> Iterator[str]:
        return iter(self._read[day]) if day in self._read else self.ledger.archive.names(self.domain, day)

    def _summary(self, seals: Sequence[DaySeal], unsealed: Sequence[date]) -> Iterator[str]:
        checked = [each for each in seals if self._wanted(each.day)]
        yield f"{sum(len(each.entries) for each in checked)} records of {len(checked)} sealed days compared with seals"
        others = [len(self._read[day]) for day in unsealed if day in self._read]
        yield f"{sum(others)} records of {len(others)} days that are not sealed yet compared with the table"
        if seals:
            yield f"newest root: {seals[-1].day}={seals[-1].root}"


def _shown(finding: Finding) -> str:
    if finding.day is None:
        return f"{finding.fault}: {finding.name}"
    return f"{finding.fault}: {finding.day}{f' decision {finding.name}' if finding.name else ''}"
