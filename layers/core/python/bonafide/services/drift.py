"""The watch for drift: compares each domain's recent evidence with its own baseline, off the request path."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from bonafide.biometrics.drift import (
    OF_MODELS,
    DriftBaseline,
    ObservedCall,
    differences,
    distributions,
    observed_values,
)
from bonafide.errors import BonafideError
from bonafide.observability import logger, measurements
from bonafide.ports.drift import DriftStore
from bonafide.ports.stores import DecisionStore, DomainStore, VersionConflict
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.drift import DriftWindow
from bonafide.services.shared.clock import Clock, turns, utc_now
from bonafide.services.shared.lookups import require_open
from bonafide.services.shared.sampling import sample
from bonafide.settings import is_probed

WINDOW = timedelta(hours=24)
# Two whole weeks, since callers of a Sunday differ from those of a Monday.
LEARNING = timedelta(days=14)
# A domain learns once its decisions reach back nearly as far, and are by so many speakers.
NEARLY = timedelta(days=13)
SPEAKERS_TO_LEARN = 100
# At most 24 times 100 decisions are read of a day, and 56 times 100 of two weeks.
WINDOW_SLOTS = 24
LEARNING_SLOTS = 56
KEPT = timedelta(days=35)
# Hourly windows of two weeks.
SHOWN = 24 * 14
SECONDS_FOR_ONE = 20.0


class DriftWatch:
    """Compares windows of decisions with baselines, and learns the baselines."""

    def __init__(
        self,
        domains: DomainStore,
        decisions: DecisionStore,
        drift: DriftStore,
        probe_domain: str,
        clock: Clock = utc_now,
    ) -> None:
        self._domains = domains
        self._decisions = decisions
        self._drift = drift
        self._probe_domain = probe_domain
        self._clock = clock

    def watch(self, seconds_left: Callable[[], float]) -> list[DriftWindow]:
        """Compares every domain while there is time; where it runs out, the next hour begins with other domains.

        Args:
            seconds_left: returns the remaining time of the invocation.
        """
        windows: list[DriftWindow] = []
        watched = [each for each in self._domains.domain_names() if not is_probed(each, self._probe_domain)]
        names = turns(watched, self._clock())
        for done, name in enumerate(names):
            if seconds_left() < SECONDS_FOR_ONE:
                logger.warning("domains not watched", extra={"count": len(names) - done})
                break
            windows += self._watched(name)
        return windows

    def compare(self, domain: DomainRecord) -> DriftWindow:
        """Compares the last day of a domain with its baseline, and stores the window; learns a baseline if needed."""
        end = self._clock()
        calls = self._calls(domain, end - WINDOW, end, WINDOW_SLOTS)
        bundle = _most_frequent(calls)
        baseline = self._current(domain, bundle, end)
        window = DriftWindow(
            domain=domain.domain,
            begin=end - WINDOW,
            end=end,
            bundle=bundle,
            calls=len(calls),
            speakers=len({each.speaker for each in calls}),
            baseline=baseline.version if baseline else 0,
            differences=differences(baseline, calls) if baseline else {},
        )
        self._drift.put_window(window, end + KEPT)
        return window

    def learn(self, name: str, days: int) -> DriftBaseline:
        """Makes a baseline of the last days, over the one that is there: for a change that is known and here to stay.

        Raises:
            NotFound: there is no such domain.
        """
        domain, end = require_open(self._domains.domain(name), name), self._clock()
        begin = end - timedelta(days=days)
        calls = self._calls(domain, begin, end, LEARNING_SLOTS)
        before = self._baseline(domain)
        bundle = _most_frequent(calls)
        version = before.version + 1 if before else 1
        learned = DriftBaseline(bundle, begin, end, distributions(calls, bundle), version)
        self._drift.put_baseline(domain.domain, learned)
        return learned

    def _watched(self, name: str) -> list[DriftWindow]:
        """One domain that cannot be read must not keep the others from being watched."""
        try:
            window = self.compare(require_open(self._domains.domain(name), name))
        except (BonafideError, VersionConflict) as error:
            logger.warning("domain not watched", extra={"domain": name, "error_type": type(error).__name__})
            return []
        measurements.add(SignalsDrifted=len(window.drifted))
        if window.drifted:
            told = {str(signal): f"{window.differences[signal].psi:.2f}" for signal in window.drifted}
            logger.warning("drift", extra={"domain": name, "signals": told, "bundle": window.bundle})
        return [window]

    def _current(self, domain: DomainRecord, bundle: str, end: datetime) -> DriftBaseline | None:
        """Returns the baseline; learns one, or the signals of a new bundle, from the two weeks before."""
        baseline = self._baseline(domain)
        if not bundle or (baseline and baseline.bundle == bundle):
            return baseline
        calls = self._calls(domain, end - LEARNING, end, LEARNING_SLOTS, bundle)
        mine = [each for each in calls if each.bundle == bundle]
        if len({each.speaker for each in mine}) < SPEAKERS_TO_LEARN or not self._reaches(domain, bundle, end):
            return baseline
        signals = distributions(mine, bundle)
        if baseline:
            # What callers bring is compared with what they brought first: a new model is no reason to forget it.
            kept = {signal: each for signal, each in baseline.signals.items() if signal not in OF_MODELS}
            signals |= kept
        learned = DriftBaseline(bundle, end - LEARNING, end, signals, baseline.version + 1 if baseline else 1)
        self._drift.put_baseline(domain.domain, learned)
        return learned

    def _reaches(self, domain: DomainRecord, bundle: str, end: datetime) -> bool:
        """Tells whether the bundle has decided for long enough: a baseline of one busy day knows no week."""
        first = sample(self._decisions, domain.domain, end - LEARNING, end - NEARLY, 1)
        return any(each.bundle == bundle for each in first)

    def _baseline(self, domain: DomainRecord) -> DriftBaseline | None:
        """Returns the baseline, unless it is of a deleted domain of the same name."""
        found = self._drift.baseline(domain.domain)
        return found if found and found.end >= domain.created_at else None

    def _calls(
        self, domain: DomainRecord, begin: datetime, end: datetime, slots: int, bundle: str | None = None
    ) -> list[ObservedCall]:
        since = max(begin, domain.created_at)
        records = sample(self._decisions, domain.domain, since, end, slots) if since < end else ()
        return list(_observed(each for each in records if bundle in {None, each.bundle}))


class DriftReading:
    """Reads what the watch found."""

    def __init__(self, domains: DomainStore, drift: DriftStore) -> None:
        self._domains = domains
        self._drift = drift

    def get(self, domain: str, begin: datetime) -> tuple[DriftBaseline | None, Sequence[DriftWindow]]:
        """Reads the baseline of a domain, and its newest windows that ended at or after `begin`.

        Raises:
            NotFound: the domain is unknown.
        """
        owner = require_open(self._domains.domain(domain), domain)
        windows = self._drift.windows(domain, max(begin, owner.created_at), SHOWN)
        baseline = self._drift.baseline(domain)
        return baseline if baseline and baseline.end >= owner.created_at else None, windows


def _observed(records: Iterator[DecisionRecord]) -> Iterator[ObservedCall]:
    for each in records:
        if values := observed_values(each.case, each.judgement):
            yield ObservedCall(each.speaker or each.decision_id or "", each.bundle, values)


def _most_frequent(calls: Sequence[ObservedCall]) -> str:
    return max(Counter(each.bundle for each in calls).items(), key=lambda pair: pair[1], default=("", 0))[0]
