"""Expiry of voiceprints that nobody used for as long as their domain says."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.errors import StoreUnavailable
from bonafide.observability import log_unexpected, logger
from bonafide.ports.erasure import ErasureStore, SweepPlace
from bonafide.ports.stores import DomainStore, VersionConflict
from bonafide.records.domain import DomainRecord
from bonafide.records.erasure import ErasureKind, ErasureRecord
from bonafide.records.speaker import SpeakerSummary
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.erasing import begin, note
from bonafide.services.shared.identifiers import speaker_counter
from bonafide.services.shared.recordings import Recordings

# All speakers are looked at once in so long.
ROUND = timedelta(days=1)
SPEAKERS_AT_ONCE = 100
# A run looks at 4,000 speakers at most: in a day at nearly six million. While erasures take all the time that they may,
# one page is left for it, in a day 144,000 speakers; it is less while sessions take it.
PAGES_OF_A_RUN = 40
SECONDS_OF_A_PAGE = 8.0


class VoiceprintExpiry:
    """Looks through all speakers, once a day, and begins the erasure of those who expire.

    A list of speakers tells who was enrolled long ago; of those the last use is read.
    """

    def __init__(
        self, domains: DomainStore, recordings: Recordings, erasures: ErasureStore, clock: Clock = utc_now
    ) -> None:
        self._domains = domains
        self._recordings = recordings
        self._erasures = erasures
        self._clock = clock

    def sweep(self, seconds_left: Callable[[], float]) -> int:
        """Goes on where the run before ended, while there is time; returns how many speakers expired."""
        now, expired = self._clock(), 0
        place = self._erasures.place() or SweepPlace(now, now)
        if place.domain is None and now - place.begun_at >= ROUND:
            place = SweepPlace(place.noted_since, now)
        for _ in range(PAGES_OF_A_RUN):
            if place.domain is None or seconds_left() < SECONDS_OF_A_PAGE:
                break
            found, place = self._page(place)
            expired += found
            self._erasures.put_place(place)
        return expired

    def _page(self, place: SweepPlace) -> tuple[int, SweepPlace]:
        """Looks at some speakers of one domain; returns how many expired, and the place behind them."""
        names = sorted(each for each in self._domains.domain_names() if each >= (place.domain or ""))
        if not names:
            return 0, place._replace(domain=None, after=None)
        owner = self._domains.domain(names[0])
        after = place.after if names[0] == place.domain else None
        following = names[1] if len(names) > 1 else None
        if owner is None or not owner.is_open:
            return 0, place._replace(domain=following, after=None)
        page = self._domains.list_speakers(owner.domain, after, SPEAKERS_AT_ONCE)
        expired = sum(self._expired(owner, each, place.noted_since) for each in page.speakers)
        if page.after:
            return expired, place._replace(domain=owner.domain, after=page.after)
        return expired, place._replace(domain=following, after=None)

    def _expired(self, owner: DomainRecord, summary: SpeakerSummary, noted_since: datetime) -> bool:
        """Begins the erasure of a speaker if it is time; one whose stores fail is looked at again in the next round."""
        since = self._clock() - timedelta(days=owner.retention.voiceprint_days)
        if not summary.speech_seconds or max(summary.updated_at, noted_since) >= since:
            return False
        try:
            return self._erased(owner, summary.speaker, since)
        except (StoreUnavailable, VersionConflict) as error:
            log_unexpected(error)
            return False

    def _erased(self, owner: DomainRecord, speaker: str, since: datetime) -> bool:
        found, known, _ = self._domains.find_with_brake(owner.domain, speaker, [speaker_counter(speaker)])
        is_known = found is not None and found.attempts is not None and found.created_at == owner.created_at
        if not is_known or known is None or known.last_used_at >= since:
            return False
        # Not by the voiceprints: none is read of one whose key is gone.
        if known.status is SpeakerStatus.OPTED_OUT:
            return False
        decisions = owner.retention.erased_decisions
        record = ErasureRecord(ErasureKind.EXPIRED, owner.domain, speaker, self._clock(), decisions)
        self._recordings.record_erasure(record)
        name = begin(self._erasures, record, owner, known)
        self._domains.delete_speaker(known)
        note(self._erasures, owner.domain, name, {"speakers": 1})
        # The speaker is not named.
        logger.info("voiceprint expired", extra={"domain": owner.domain, "erasure": name})
        return True
