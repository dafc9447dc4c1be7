"""Watchlists in memory."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from bonafide.biometrics.watchlists.voices import KnownVoice, KnownVoices
from bonafide.ports.stores import VersionConflict
from bonafide.records.domain import DomainRecord
from bonafide.records.watchlists.double import DoubleEnrollmentReport
from bonafide.records.watchlists.entry import EntryPage, PackedVoices, WatchlistEntry, WatchlistState


class MemoryWatchlistStore:
    """`WatchlistStore` in memory.

    Attributes:
        down: raised instead of reading voices, where a test says so.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[str, WatchlistState] = {}
        self._entries: dict[tuple[str, str, str], WatchlistEntry] = {}
        self._changes: dict[str, dict[int, KnownVoice]] = {}
        self.down: Callable[[], Exception] | None = None

    def stored(self, domain: str) -> WatchlistState:
        """Returns the state that is stored under the name of a domain."""
        return self._states.get(domain, WatchlistState())

    def state(self, domain: DomainRecord) -> WatchlistState:
        """See `WatchlistStore`."""
        return self.stored(domain.domain).of_domain(domain.created_at)

    def voices(self, domain: DomainRecord, state: WatchlistState, known: KnownVoices | None) -> KnownVoices:
        """See `WatchlistVoices`."""
        if self.down:
            raise self.down()
        begun = known if known and known.version <= state.change else KnownVoices(state.base)
        with self._lock:
            stored = sorted(self._changes.get(domain.domain, {}).items())
        later = [(change, voice) for change, voice in stored if change > begun.version]
        return begun.changed(max([state.change, *(change for change, _ in later)]), [voice for _, voice in later])

    def entry(self, domain: str, watchlist: str, fraudster: str) -> WatchlistEntry | None:
        """See `WatchlistStore`."""
        return self._entries.get((domain, watchlist, fraudster))

    def entries(self, domain: str, watchlist: str, after: str | None, limit: int) -> EntryPage:
        """See `WatchlistStore`."""
        with self._lock:
            named = sorted(key for key in self._entries if key[:2] == (domain, watchlist) and key[2] > (after or ""))
            found = [self._entries[key] for key in named[:limit]]
        return EntryPage(found, found[-1].fraudster if len(named) > limit else None)

    def put(
        self, domain: DomainRecord, state: WatchlistState, entry: WatchlistEntry, voice: KnownVoice
    ) -> WatchlistState:
        """See `WatchlistStore`."""
        key = entry.domain, entry.watchlist, entry.fraudster
        with self._lock:
            former = self._entries.get(key)
            known = former is not None and former.change > state.base
            changed = self._next(domain, state, entry, 0 if known else 1, former)
            self._entries[key] = entry
            self._changes[domain.domain][changed.change] = voice
        return changed

    def remove(self, domain: DomainRecord, state: WatchlistState, entry: WatchlistEntry) -> WatchlistState:
        """See `WatchlistStore`."""
        with self._lock:
            changed = self._next(domain, state, entry, -1, entry)
            self._entries.pop((entry.domain, entry.watchlist, entry.fraudster), None)
            self._changes[domain.domain][changed.change] = KnownVoice(entry.name)
        return changed

    def recount(self, domain: DomainRecord, state: WatchlistState, lists: Mapping[str, int]) -> None:
        """See `WatchlistStore`."""
        with self._lock:
            if self.stored(domain.domain).change != state.change:
                raise VersionConflict
            self._states[domain.domain] = replace(state, change=state.change + 1, lists=lists)

    def pack(self, domain: DomainRecord, voices: KnownVoices) -> None:
        """See `WatchlistStore`. Voices are read one by one all the same."""
        with self._lock:
            state = self.stored(domain.domain)
            if state.since == domain.created_at and (state.packed is None or state.packed.change < voices.version):
                packed = PackedVoices(voices.version, 0, "", "")
                self._states[domain.domain] = replace(state, packed=packed)

    def _next(
        self,
        domain: DomainRecord,
        state: WatchlistState,
        entry: WatchlistEntry,
        difference: int,
        former: WatchlistEntry | None,
    ) -> WatchlistState:
        if self.stored(domain.domain).change != state.change:
            raise VersionConflict
        changed = state.next(domain.created_at, entry.watchlist, difference)
        packed = self.stored(domain.domain).packed if state.since else None
        self._states[domain.domain] = replace(changed, packed=packed)
        voices = self._changes.setdefault(domain.domain, {})
        if former:
            voices.pop(former.change, None)
        return changed


class MemoryDoubleEnrollmentStore:
    """`DoubleEnrollmentStore` in memory."""

    def __init__(self) -> None:
        self._reports: dict[str, DoubleEnrollmentReport] = {}

    def put_report(self, report: DoubleEnrollmentReport) -> None:
        """See `DoubleEnrollmentStore`."""
        stored = self._reports.get(report.domain)
        if stored is None or stored.at <= report.at:
            self._reports[report.domain] = report

    def take_out(self, domain: str, speaker: str) -> int:
        """See `DoubleEnrollmentStore`."""
        found = self._reports.get(domain)
        if found is None:
            return 0
        self._reports[domain] = found.without(speaker)
        return len(found.pairs) - len(self._reports[domain].pairs)

    def report(self, domain: DomainRecord) -> DoubleEnrollmentReport | None:
        """See `DoubleEnrollmentStore`."""
        found = self._reports.get(domain.domain)
        return found if found and found.since == domain.created_at else None
