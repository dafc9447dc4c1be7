"""The shadow: the challenger scores audio that the champion decided on, off the request path."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from bonafide.biometrics.session import MOST_CHUNKS
from bonafide.observability import log_unexpected, logger, measurements
from bonafide.ports.models import SpeechModels
from bonafide.ports.shadow import Challenger, ShadowAudio, ShadowResults, WaitingAudio
from bonafide.ports.stores import DecisionStore, DomainStore
from bonafide.records.decision import DecisionRecord
from bonafide.records.shadow import ShadowResult
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.lookups import require_open
from bonafide.services.shared.shadow.comparison import HeardPart, compared, is_whole

# Audio lives no longer, scored or not.
LONGEST_WAIT = timedelta(hours=1)
KEPT = timedelta(days=30)
# Of one run: objects that it lists, and those that it reads. With its time they bound what a month costs.
MOST_LISTED = 5000
MOST_READ = 400
# An answer holds 6 MB at most, and a result 700 bytes.
SHOWN = 5000


class ShadowSweep:
    """Deletes what waited for too long, also while the shadow does not run."""

    def __init__(self, audio: ShadowAudio, clock: Clock = utc_now) -> None:
        self._audio = audio
        self._clock = clock

    def sweep(self) -> list[WaitingAudio]:
        """Returns what may still be scored, the oldest first."""
        oldest = self._clock() - LONGEST_WAIT
        found = sorted(self._audio.waiting(MOST_LISTED), key=lambda each: each.put_at)
        self._audio.delete([each for each in found if each.put_at < oldest])
        return [each for each in found if each.put_at >= oldest]


class ShadowScoring:
    """Scores what waits, and deletes it, whatever comes of it."""

    def __init__(
        self,
        domains: DomainStore,
        decisions: DecisionStore,
        audio: ShadowAudio,
        results: ShadowResults,
        clock: Clock = utc_now,
    ) -> None:
        self._domains = domains
        self._decisions = decisions
        self._audio = audio
        self._sweep = ShadowSweep(audio, clock)
        self._results = results
        self._clock = clock

    def run(self, challenger: Challenger, seconds_left: Callable[[], float]) -> int:
        """Scores recordings and sessions while there is time; returns how many.

        Args:
            challenger: returns the models; they are loaded when something waits.
            seconds_left: returns the remaining time of the run.
        """
        waiting = self._sweep.sweep()
        models = self._models(challenger) if waiting else None
        scored = read = 0
        for parts in _by_decision(waiting):
            if seconds_left() <= 0.0 or read >= MOST_READ:
                break
            done = self._take(parts, models)
            read += 0 if done is None else len(parts)
            scored += bool(done)
        return scored

    @staticmethod
    def _models(challenger: Challenger) -> SpeechModels[Any] | None:
        """A challenger that cannot be loaded scores nothing, and its audio is deleted all the same."""
        try:
            return challenger()
        except Exception as error:
            log_unexpected(error)
            measurements.add(ShadowFailures=1)
            return None

    def _take(self, parts: Sequence[WaitingAudio], models: SpeechModels[Any] | None) -> bool | None:
        """Tells whether there is a result; None for a session that goes on, whose chunks wait for its decision."""
        name = parts[0].decision_id
        try:
            record = self._decisions.read(parts[0].domain, name)
            if record is None and parts[0].part:
                return None
            result = self._compared(record, self._taken_out(parts), models)
            if result:
                self._results.put(result, self._clock() + KEPT)
                measurements.add(ShadowScored=1)
            return result is not None
        except Exception as error:
            logger.warning("not scored", extra={"decision_id": name, "error_type": type(error).__name__})
            measurements.add(ShadowFailures=1)
            return False

    def _taken_out(self, parts: Sequence[WaitingAudio]) -> list[HeardPart]:
        """Reads and deletes audio before it is scored: what kills this function is not taken a second time."""
        try:
            newest = sorted(parts, key=lambda each: each.number or 0)[-MOST_CHUNKS:]
            found = [(each, self._audio.read(each)) for each in newest]
            return [HeardPart.of(each.number, content) for each, content in found if content]
        finally:
            self._audio.delete(parts)

    def _compared(
        self, record: DecisionRecord | None, heard: Sequence[HeardPart], models: SpeechModels[Any] | None
    ) -> ShadowResult | None:
        if record is None or models is None or record.bundle == models.digest or not is_whole(record, heard):
            return None
        domain, speaker = self._domains.find(record.domain, record.speaker or "")
        # Whoever left since is not scored any more.
        if domain is None or not domain.is_open or not domain.retention.shadow_audio:
            return None
        policy = record.policy or domain.policy
        usable = speaker.usable(models.spaces, policy) if speaker else []
        return compared(record, policy, usable[0] if usable else None, heard, models)


def _by_decision(waiting: Sequence[WaitingAudio]) -> list[list[WaitingAudio]]:
    """Returns what belongs together, in the order of the oldest of each."""
    found: dict[tuple[str, str], list[WaitingAudio]] = {}
    for each in waiting:
        found.setdefault((each.domain, each.decision_id), []).append(each)
    return list(found.values())


class ShadowReading:
    """Reads results."""

    def __init__(self, domains: DomainStore, results: ShadowResults) -> None:
        self._domains = domains
        self._results = results

    def get(self, domain: str, begin: datetime) -> Sequence[ShadowResult]:
        """Reads the newest results of a domain.

        Raises:
            NotFound: the domain is unknown.
        """
        owner = require_open(self._domains.domain(domain), domain)
        return self._results.results(domain, max(begin, owner.created_at), SHOWN)
