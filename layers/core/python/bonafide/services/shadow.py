"""The shadow: the challenger scores recordings that the champion decided on, off the request path."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from bonafide.biometrics.case import Case
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.scoring import SpaceCalibrations, bands_to_compare
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.observability import log_unexpected, logger, measurements
from bonafide.ports.models import SpeechModels
from bonafide.ports.shadow import Challenger, ShadowAudio, ShadowResults, WaitingAudio
from bonafide.ports.stores import DecisionStore, DomainStore
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.shadow import ShadowResult, ShadowScores
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.lookups import require_open
from bonafide.services.shared.recordings import to_waveform
from bonafide.services.shared.shadow_offers import unpacked

# Audio lives no longer, scored or not.
LONGEST_WAIT = timedelta(hours=1)
KEPT = timedelta(days=30)
# What one run takes in hand, and how long it works: the cost of a month has an upper bound.
MOST_AT_ONCE = 200
# An answer holds 6 MB at most, and a result 700 bytes.
SHOWN = 5000


class ShadowSweep:
    """Deletes what waited for too long, also while the shadow does not run."""

    def __init__(self, audio: ShadowAudio, clock: Clock = utc_now) -> None:
        self._audio = audio
        self._clock = clock

    def sweep(self) -> list[WaitingAudio]:
        """Returns what may still be scored."""
        oldest = self._clock() - LONGEST_WAIT
        left = []
        for each in self._audio.waiting(MOST_AT_ONCE):
            if each.put_at < oldest:
                self._audio.delete(each)
            else:
                left.append(each)
        return left


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
        """Scores recordings while there is time; returns how many.

        Args:
            challenger: returns the models; they are loaded when something waits.
            seconds_left: returns the remaining time of the run.
        """
        waiting = self._sweep.sweep()
        models = self._models(challenger) if waiting else None
        scored = 0
        for each in waiting:
            if seconds_left() <= 0.0:
                break
            scored += self._taken(each, models)
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

    def _taken(self, waiting: WaitingAudio, models: SpeechModels[Any] | None) -> bool:
        try:
            result = self._compared(waiting, models) if models else None
            if result:
                self._results.put(result, self._clock() + KEPT)
                measurements.add(ShadowScored=1)
            return result is not None
        except Exception as error:
            logger.warning("not scored", extra={"decision_id": waiting.decision_id, "error_type": type(error).__name__})
            measurements.add(ShadowFailures=1)
            return False
        finally:
            self._audio.delete(waiting)

    def _compared(self, waiting: WaitingAudio, models: SpeechModels[Any]) -> ShadowResult | None:
        record = self._decisions.read(waiting.domain, waiting.decision_id)
        content = self._audio.read(waiting)
        if record is None or content is None or record.bundle == models.digest:
            return None
        domain, speaker = self._domains.find(waiting.domain, record.speaker or "")
        # Whoever left since is not scored any more.
        if domain is None or not domain.is_open or not domain.retention.shadow_audio:
            return None
        usable = speaker.usable(models.spaces, domain.policy) if speaker else []
        return _result(record, _scored(models, domain, usable[0] if usable else None, content))


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


def _scored(
    models: SpeechModels[Any], domain: DomainRecord, voiceprint: Voiceprint | None, content: bytes
) -> ShadowScores:
    """Scores a recording; a voice is compared only in a space that both serve, liveness always."""
    form, audio = unpacked(content)
    started = time.monotonic()
    space = voiceprint.embedding_space if voiceprint else models.embedding_space
    bands = bands_to_compare(voiceprint) if voiceprint else []
    evidence = models.evidence(models.find_speech(to_waveform(audio, form)), bands, embedding_space=space)
    milliseconds = round((time.monotonic() - started) * 1000, 1)
    if voiceprint is None:
        return ShadowScores(models.digest, None, None, evidence.liveness, milliseconds)
    calibration = SpaceCalibrations.parse(models.calibrations).in_space(space)
    judgement = judge(Case.of(evidence, voiceprint), domain.policy, calibration)
    llr = judgement.speaker.llr if judgement.speaker else None
    return ShadowScores(models.digest, str(judgement.decision), llr, evidence.liveness, milliseconds)


def _result(record: DecisionRecord, challenger: ShadowScores) -> ShadowResult:
    judgement = record.judgement
    stages = ("find_speech", "embed")
    return ShadowResult(
        domain=record.domain,
        decision_id=record.decision_id or "",
        decided_at=record.decided_at,
        channel=str(record.case.channel or ""),
        speech_seconds=record.case.speech_seconds,
        champion=ShadowScores(
            bundle=record.bundle,
            decision=str(judgement.decision),
            speaker_llr=judgement.speaker.llr if judgement.speaker else None,
            liveness_llr=record.case.liveness,
            milliseconds=sum(record.timings_ms.get(name, 0.0) for name in stages),
        ),
        challenger=challenger,
    )
