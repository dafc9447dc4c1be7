"""The daily job: removes entries that expired, packs what is left, and finds voices that are enrolled twice."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.biometrics.watchlists.likeness import scale_of
from bonafide.biometrics.watchlists.voices import KnownVoice, SearchedMatrix, VoiceKind, VoiceMatrix
from bonafide.errors import NotFound
from bonafide.observability import log_unexpected, logger, measurements
from bonafide.ports.stores import DomainStore, VersionConflict
from bonafide.ports.watchlists import DoubleEnrollmentStore, WatchlistStore
from bonafide.records.domain import DomainRecord
from bonafide.records.watchlists.double import DoubleEnrollmentPair, DoubleEnrollmentReport
from bonafide.records.watchlists.entry import WatchlistEntry
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.lookups import require_open
from bonafide.services.shared.watchlists.lifecycle import Watchlists, is_of
from bonafide.settings import is_probed

PAGE = 100
# Speakers of a domain that are compared with each other: 20,000 take about a minute, and as many reads.
MOST_SPEAKERS = 20_000
MOST_PAIRS = 100
# Pairs of different people in a domain that may be expected among those that are reported.
MOST_EXPECTED_PAIRS = 1.0
# Left to search for double enrollments, of 15 minutes.
SECONDS_FOR_SPEAKERS = 600.0
# Left to compare those that were read.
SECONDS_TO_COMPARE = 90.0
# Rows that are compared with all at a time, so that likenesses of 20,000 take 20 MB.
ROWS = 256
NEVER = float("inf")
NEVER_SEARCHED = datetime.min.replace(tzinfo=UTC)


class WatchlistSweep:
    """Removes the entries of all domains that expired."""

    def __init__(self, store: WatchlistStore, domains: DomainStore, lists: Watchlists, clock: Clock = utc_now) -> None:
        self._store = store
        self._domains = domains
        self._lists = lists
        self._clock = clock

    def run(self, seconds_left: Callable[[], float]) -> int:
        """Removes what expired, while there is time for another domain; returns how many entries."""
        names, removed = list(self._domains.domain_names()), 0
        # None is always the one that there is no time for.
        random.shuffle(names)
        for number, domain in enumerate(names):
            if seconds_left() < SECONDS_FOR_SPEAKERS:
                logger.error("watchlists not swept", extra={"domains": len(names) - number})
                measurements.add(WatchlistFailures=len(names) - number)
                break
            try:
                removed += self._of_domain(domain, seconds_left)
            except Exception as error:
                # The lists of the others are swept all the same.
                log_unexpected(error)
                measurements.add(WatchlistFailures=1)
        return removed

    def _of_domain(self, domain: str, seconds_left: Callable[[], float]) -> int:
        record = self._domains.domain(domain)
        if record is None or not record.is_open:
            return 0
        state, now, removed = self._store.state(record), self._clock(), 0
        kept: dict[str, int] = {}
        for watchlist in state.lists:
            found = [each for each in self._entries(domain, watchlist) if is_of(record, each)]
            expired = (each for each in found if each.expires_at <= now and seconds_left() >= SECONDS_FOR_SPEAKERS)
            gone = [self._take_away(each) for each in expired]
            kept[watchlist], removed = len(found) - len(gone), removed + sum(gone)
        self._recount(record, kept, state.change + removed)
        self._lists.pack_if_taken(domain)
        return removed

    def _take_away(self, entry: WatchlistEntry) -> bool:
        # Somebody else may have removed it meanwhile.
        with suppress(NotFound):
            self._lists.take_away(entry.domain, entry.watchlist, entry.fraudster)
            return True
        return False

    def _recount(self, domain: DomainRecord, kept: Mapping[str, int], change: int) -> None:
        """Corrects numbers of entries, of which DynamoDB deleted some that no sweep removed in time."""
        state, lists = self._store.state(domain), {name: count for name, count in kept.items() if count}
        if state.change == change and state.lists != lists:
            with suppress(VersionConflict):
                self._store.recount(domain, state, lists)

    def _entries(self, domain: str, watchlist: str) -> Iterator[WatchlistEntry]:
        after: str | None = None
        while True:
            page = self._store.entries(domain, watchlist, after, PAGE)
            yield from page.entries
            if page.after is None:
                return
            after = page.after


class DoubleEnrollments:
    """Compares the enrolled speakers of each domain with each other."""

    def __init__(
        self,
        store: DoubleEnrollmentStore,
        speakers: DomainStore,
        probe_domain: str,
        clock: Clock = utc_now,
    ) -> None:
        """Stores its dependencies.

        Args:
            store: of reports.
            speakers: store of domains and speakers, with their voiceprints.
            probe_domain: of golden calls, whose voices are enrolled again and again.
            clock: now.
        """
        self._store = store
        self._speakers = speakers
        self._probe_domain = probe_domain
        self._clock = clock

    def report(self, domain: str) -> DoubleEnrollmentReport | None:
        """Reads the newest report of a domain; None if there is none.

        Raises:
            NotFound: there is no such domain.
        """
        return self._store.report(require_open(self._speakers.domain(domain), domain))

    def run(self, seconds_left: Callable[[], float]) -> int:
        """Searches domains while there is time, the longest unsearched first; returns how many pairs were found."""
        found, searched = 0, 0
        for domain in self._in_turn():
            if seconds_left() < SECONDS_TO_COMPARE:
                break
            voices, complete = self._enrolled(domain, seconds_left)
            if searched and not complete and len(voices) < MOST_SPEAKERS:
                # It comes first next time, and has all of the time then. Its former report stays until then.
                break
            found, searched = found + len(self._search(domain, voices, complete).pairs), searched + 1
        measurements.add(DoubleEnrollments=found)
        return found

    def _in_turn(self) -> list[DomainRecord]:
        named = ((name, self._speakers.domain(name)) for name in self._speakers.domain_names())
        open_ones = [each for name, each in named if each and each.is_open and not is_probed(name, self._probe_domain)]
        reports = {each.domain: self._store.report(each) for each in open_ones}
        return sorted(open_ones, key=lambda each: found.at if (found := reports[each.domain]) else NEVER_SEARCHED)

    def _search(self, domain: DomainRecord, voices: list[KnownVoice], complete: bool) -> DoubleEnrollmentReport:
        pairs = double_voices(voices)
        # Some may have been erased since they were read: before the report is written no erasure finds them in it.
        gone = self._gone(domain.domain, pairs)
        pairs = tuple(each for each in pairs if gone.isdisjoint(each.speakers))
        report = DoubleEnrollmentReport(domain.domain, domain.created_at, self._clock(), pairs, len(voices), complete)
        self._store.put_report(report)
        for speaker in self._gone(domain.domain, pairs):
            self._store.take_out(domain.domain, speaker)
        # Only how many: speakers are never named in logs.
        logger.info(
            "double enrollments searched",
            extra={"domain": domain.domain, "speakers": len(voices), "pairs": len(pairs), "complete": complete},
        )
        return report

    def _gone(self, domain: str, pairs: Sequence[DoubleEnrollmentPair]) -> set[str]:
        """Returns which speakers of pairs are not enrolled any more."""
        named = {speaker for pair in pairs for speaker in pair.speakers}
        found = {speaker: self._speakers.find(domain, speaker)[1] for speaker in named}
        return {name for name, each in found.items() if each is None or each.status is not SpeakerStatus.ENROLLED}

    def _enrolled(self, domain: DomainRecord, seconds_left: Callable[[], float]) -> tuple[list[KnownVoice], bool]:
        """Reads the voiceprints of enrolled speakers; tells whether of all."""
        voices: list[KnownVoice] = []
        for speaker in self._names(domain.domain):
            if len(voices) >= MOST_SPEAKERS or seconds_left() < SECONDS_TO_COMPARE:
                return voices, False
            _, found = self._speakers.find(domain.domain, speaker)
            if found and found.status is SpeakerStatus.ENROLLED and found.voiceprints:
                own = tuple(_whole(each) for each in found.voiceprints)
                voices.append(KnownVoice(("", speaker), own, NEVER))
        return voices, True

    def _names(self, domain: str) -> Iterator[str]:
        after: str | None = None
        while True:
            page = self._speakers.list_speakers(domain, after, PAGE)
            yield from (each.speaker for each in page.speakers)
            if page.after is None:
                return
            after = page.after


def double_voices(voices: list[KnownVoice]) -> tuple[DoubleEnrollmentPair, ...]:
    """Returns up to `MOST_PAIRS` pairs of voices that are one, as far as can be told, the surest first.

    Of all pairs of different people in the domain less than `MOST_EXPECTED_PAIRS` are expected among them.
    """
    best: dict[tuple[str, str], float] = {}
    kinds = {(each.embedding_space, band) for voice in voices for each in voice.voiceprints for band in each.templates}
    for kind in kinds:
        for some in _pairs(voices, kind):
            for pair, expected in some:
                best[pair] = min(expected, best.get(pair, expected))
            # What is behind so many in one band or some rows is behind them in all.
            best = dict(sorted(best.items(), key=lambda each: (each[1], each[0]))[:MOST_PAIRS])
    return tuple(DoubleEnrollmentPair(pair, expected) for pair, expected in best.items())


def _pairs(voices: list[KnownVoice], kind: VoiceKind) -> Iterator[list[tuple[tuple[str, str], float]]]:
    """Yields the pairs that some rows are in, of many the surest only."""
    scale, matrix = scale_of(*kind), VoiceMatrix.of(voices, kind)
    if scale is None or len(matrix.names) < 2:
        return
    searched, count = SearchedMatrix.of(matrix, scale), len(matrix.names) * (len(matrix.names) - 1) // 2
    least = scale.least_likeness(count, MOST_EXPECTED_PAIRS)
    for begin in range(0, len(matrix.names), ROWS):
        likenesses = searched.likenesses_of(slice(begin, begin + ROWS))
        # Each pair once: its later voice is the column.
        likenesses[np.arange(len(matrix.names)) <= np.arange(begin, begin + len(likenesses))[:, None]] = -np.inf
        places = np.flatnonzero(likenesses >= least)
        if len(places) > MOST_PAIRS:
            places = places[np.argpartition(-likenesses.ravel()[places], MOST_PAIRS)[:MOST_PAIRS]]
        found = []
        for row, column in zip(*np.unravel_index(places, likenesses.shape), strict=True):
            first, second = sorted((matrix.names[begin + row][1], matrix.names[column][1]))
            found.append(((first, second), scale.expected(float(likenesses[row, column]), count)))
        yield found


def _whole(voiceprint: Voiceprint) -> Voiceprint:
    """Returns a voiceprint without what only enrollment needs, so that 20,000 fit into memory."""
    return replace(voiceprint, parts=(), audio=())
