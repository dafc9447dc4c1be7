"""Search of a domain's watchlists for the voice of a call."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bonafide.biometrics.case import Signal
from bonafide.biometrics.decision import Reason
from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.watchlists.voices import KnownVoices, VoiceMatch
from bonafide.errors import StoreUnavailable
from bonafide.observability import logger, measurements
from bonafide.ports.watchlists import WatchlistVoices
from bonafide.records.domain import DomainRecord
from bonafide.services.shared.clock import Clock, utc_now

# Voices that are kept at a time, of all domains: those of one domain with the most entries and a little more.
MOST_KEPT_BYTES = 96 * 1024 * 1024
# What was removed since voices were read is known for two days.
READ_AGAIN = timedelta(hours=12)
# After a failed read decisions do without the voices for so long, instead of each waiting for the store.
RETRY_AFTER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class WatchlistFinding:
    """Result of a search.

    Attributes:
        match: the fraudster whom the voice is like, if there is one.
        missing: names the signal if the lists could not be searched, or not as they are now.
    """

    match: VoiceMatch | None = None
    missing: tuple[Signal, ...] = ()

    @property
    def alerts(self) -> tuple[Reason, ...]:
        """`WATCHLIST_MATCH` if there is a match."""
        return (Reason.WATCHLIST_MATCH,) if self.match else ()


@dataclass(frozen=True, slots=True)
class _SearchedVoices:
    voices: KnownVoices
    read_at: datetime


class WatchlistSearch:
    """Searches watchlists, whose voices stay in memory; what changes is read when the domain's state says so."""

    def __init__(self, store: WatchlistVoices, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock
        # By domain and the time of its creation, the one that was used last at the end.
        self._kept: dict[tuple[str, datetime], _SearchedVoices] = {}
        self._failed: dict[str, datetime] = {}

    def look(self, domain: DomainRecord, evidence: Evidence | None) -> WatchlistFinding:
        """Searches the domain's watchlists, as far as there are any, for the voice of a recording or session.

        Args:
            domain: with the state of its watchlists, as read for the decision.
            evidence: None for a session without speech.
        """
        if domain.watchlists is None:
            return self._failing(None)
        if evidence is None or not evidence.embeddings or not domain.watchlists.count:
            return WatchlistFinding()
        known, error = self._voices(domain)
        if known is None or not known.can_search(evidence):
            return self._failing(error)
        match = known.search(evidence, self._clock())
        if match:
            measurements.add(WatchlistMatches=1)
        return WatchlistFinding(match, self._failing(error).missing if error else ())

    def voices(self, domain: DomainRecord) -> KnownVoices:
        """Returns the voices of a domain as its state says, read only as far as they changed.

        Raises:
            StoreUnavailable: they could not be read.
        """
        known, error = self._voices(domain)
        if known is None or error:
            raise error or StoreUnavailable
        return known

    def _voices(self, domain: DomainRecord) -> tuple[KnownVoices | None, StoreUnavailable | None]:
        """Returns the voices, and the error if they are not, or not as they are now: then those read before."""
        state, now, key = domain.watchlists, self._clock(), (domain.domain, domain.created_at)
        kept = self._kept.get(key)
        if kept and not timedelta() <= now - kept.read_at < READ_AGAIN:
            kept = None
        if state is None or (kept and kept.voices.version == state.change):
            return self._used(key, kept), None
        before = kept.voices if kept else None
        failed_at = self._failed.get(domain.domain)
        if failed_at and timedelta() <= now - failed_at < RETRY_AFTER:
            return before, StoreUnavailable()
        try:
            read = _SearchedVoices(self._store.voices(domain, state, before), now)
        except StoreUnavailable as error:
            self._failed[domain.domain] = now
            return before, error
        self._failed.pop(domain.domain, None)
        return self._used(key, read), None

    def _used(self, key: tuple[str, datetime], kept: _SearchedVoices | None) -> KnownVoices | None:
        """Keeps voices as those that were used last, and of all no more than there is room for."""
        if kept is None:
            return None
        self._kept = {**{other: each for other, each in self._kept.items() if other != key}, key: kept}
        while len(self._kept) > 1 and sum(each.voices.size for each in self._kept.values()) > MOST_KEPT_BYTES:
            del self._kept[next(iter(self._kept))]
        return kept.voices

    def _failing(self, error: StoreUnavailable | None) -> WatchlistFinding:
        logger.error("watchlists not searched", extra={"error_type": type(error.__cause__ if error else None).__name__})
        measurements.add(WatchlistFailures=1)
        return WatchlistFinding(missing=(Signal.WATCHLIST,))
