"""Authentication of one recording: evidence, judgement, and a decision that is stored before it is answered."""

import hashlib
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bonafide.biometrics.case import Case, Signal
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.presentation.dominance import with_dominant_share
from bonafide.biometrics.presentation.voices import voice_alerts
from bonafide.biometrics.risk.facts import CallFacts
from bonafide.biometrics.scoring import bands_to_compare
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.errors import AnswerOutdated, Conflict, Subject
from bonafide.observability import stage
from bonafide.ports.models import SpeechModels
from bonafide.ports.signatures import CallerHashes
from bonafide.ports.stores import AttemptStore, DecisionStore
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord
from bonafide.records.request import RequestContext, SubmittedAudio
from bonafide.records.risk.call import StatedCall
from bonafide.records.speaker import SpeakerRecord, generation
from bonafide.services.shared.braked_domains import BrakedDomains, BrakesInForce
from bonafide.services.shared.calibration_book import CalibrationBook, CalibrationInForce
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.domains.staged import judged_in_shadow
from bonafide.services.shared.extraction import Extraction, Extractor
from bonafide.services.shared.identifiers import counters, request_identifier
from bonafide.services.shared.ledger import AttemptCounter, AttemptLimit, Ledger, hash_of
from bonafide.services.shared.lookups import newest_served, require_speaker
from bonafide.services.shared.recordings import Recordings
from bonafide.services.shared.replays import Replays, SpokenAudio
from bonafide.services.shared.risk.calls import CallRisks, RiskFinding, hashed_call
from bonafide.services.shared.shadow.offers import ShadowOffers
from bonafide.services.shared.watchlists.searching import WatchlistSearch


@dataclass(frozen=True, slots=True)
class AuthenticationRequested:
    """One request to authenticate a caller.

    Attributes:
        domain: of the speaker.
        speaker: claimed speaker.
        audio: the recording.
        call_id: the contact center's reference to the call.
        caller: its reference to the caller, if any; only a keyed hash of it is stored.
        call: what else it knows of the call, if anything.
        context: by whose key a decision is recognized even when its first answer was lost.
    """

    domain: str
    speaker: str
    audio: SubmittedAudio
    call_id: str | None
    context: RequestContext
    caller: str | None = None
    call: StatedCall | None = None


@dataclass(frozen=True, slots=True)
class FoundClaim:
    """The claimed speaker, with all that a judgement needs besides evidence.

    Attributes:
        domain: whose policy decides.
        speaker: record of the claimed speaker.
        voiceprint: to compare with.
        brakes: those that are on.
        judging: the calibration that judges.
        limit: of attempts.
        caller: keyed hash of the reference to the caller, if any.
        call: facts of the call, if any were stated.
        risk: of the call.
    """

    domain: DomainRecord
    speaker: SpeakerRecord
    voiceprint: Voiceprint
    brakes: BrakesInForce
    judging: CalibrationInForce
    limit: AttemptLimit
    caller: str | None
    call: CallFacts | None
    risk: RiskFinding

    @property
    def missing(self) -> tuple[Signal, ...]:
        """Signals that are missing whatever the evidence has."""
        return *self.brakes.missing, *self.judging.missing, *self.limit.missing, *self.risk.missing


class AuthenticationService:
    """Compares a recording with the claimed speaker's voiceprint, and decides."""

    def __init__(  # noqa: PLR0913, one parameter for each collaborator
        self,
        domains: BrakedDomains,
        models: SpeechModels[Any],
        recordings: Recordings,
        decisions: DecisionStore,
        attempts: AttemptStore,
        callers: CallerHashes,
        calibrations: CalibrationBook,
        replays: Replays,
        risks: CallRisks,
        watchlists: WatchlistSearch,
        clock: Clock = utc_now,
        shadow: ShadowOffers | None = None,
    ) -> None:
        self._domains = domains
        self._models = models
        self._calibrations = calibrations
        self._recordings = recordings
        self._replays = replays
        self._risks = risks
        self._watchlists = watchlists
        self._ledger = Ledger(decisions)
        self._attempts = AttemptCounter(attempts)
        self._callers = callers
        self._clock = clock
        self._shadow = shadow
        self._extractor = Extractor(models, recordings)

    def begin(self, audio: SubmittedAudio) -> None:
        """Begins to extract evidence for what may be a new request; that has no effect."""
        self._extractor.begin(audio)

    def authenticate(self, request: AuthenticationRequested) -> DecisionRecord:
        """Decides on one recording.

        Raises:
            NotFound: the domain, the speaker or the upload is unknown.
            InvalidInput: the audio cannot be used.
            Conflict: the speaker opted out, is not yet enrolled, or must be enrolled again; or the request was decided
                on under its key before the speaker was.
        """
        started = time.monotonic()
        name = request_identifier(request.context, request.domain, request.speaker, "decision")
        extraction = self._extractor.extract(request.domain, request.speaker, request.audio)
        timings = extraction.timings_ms
        with stage("find_speaker", timings):
            claim = self._find(request, name)
        domain, speaker, voiceprint = claim.domain, claim.speaker, claim.voiceprint
        with stage("find_replay", timings):
            replay = self._replays.find(domain, speaker, self._spoken(request, name, extraction))
        with stage("embed", timings):
            bands = bands_to_compare(voiceprint)
            begun = extraction.evidence.result()
            evidence = self._models.evidence(extraction.speech, bands, begun, voiceprint.embedding_space)
        with stage("search_watchlists", timings):
            listed = self._watchlists.look(domain, evidence)
        with stage("score", timings):
            heard = voice_alerts([evidence], evidence.channel) if evidence.embeddings else ()
            if evidence.embeddings:
                evidence = with_dominant_share(evidence, [evidence], evidence.channel)
            missing = (*claim.missing, *replay.missing, *listed.missing)
            alerts = (*replay.alerts, *heard, *claim.limit.alerts, *listed.alerts)
            case = Case.of(evidence, voiceprint, missing=missing, brakes=claim.brakes.on, alerts=alerts)
            case = replace(case, risk=claim.risk.risk)
        record = replace(self._judge(request, name, claim, case, extraction, started), watchlist_match=listed.match)
        if domain.retention.keep_audio:
            self._keep(speaker, _kept_audio(record), extraction)
        stored = self._ledger.write(record, timedelta(days=domain.retention.decision_days), started)
        if stored.generation != record.generation:
            self._recordings.forget(domain.domain, speaker.speaker, _kept_audio(record))
            raise AnswerOutdated
        self._attempts.final(domain, stored, speaker)
        self._risks.count(domain, speaker, stored, claim.risk.known)
        if self._shadow:
            self._shadow.offer(domain, stored, request.audio.format, extraction.content)
        return stored

    def _spoken(self, request: AuthenticationRequested, name: str, extraction: Extraction) -> SpokenAudio:
        """Makes the fingerprint, while the network embeds on its own thread."""
        fingerprint = self._models.fingerprint(extraction.speech)
        return SpokenAudio(name, extraction.samples, fingerprint, request.call_id)

    def _find(self, request: AuthenticationRequested, name: str) -> FoundClaim:
        domain, speaker = request.domain, request.speaker
        # A domain without a secret has counted no caller yet; one that does not exist gets none.
        caller = hash_of(self._callers.known, domain, request.caller)
        found, known, brakes = self._domains.find(domain, speaker, counters(speaker, caller))
        its, record = require_speaker(found, known, domain, speaker)
        voiceprint = self._usable(its, record)
        judging = self._calibrations.of(its, speaker, voiceprint.embedding_space)
        caller = hash_of(self._callers.hashed, domain, request.caller) if caller is None else caller
        limit = AttemptLimit.of(its, record, caller, self._clock())
        call = hashed_call(self._callers, domain, request.call)
        risk = self._risks.assess(its, (speaker, record), call, name)
        return FoundClaim(its, record, voiceprint, brakes, judging, limit, caller, call, risk)

    def _keep(self, speaker: SpeakerRecord, name: str, heard: Extraction) -> None:
        """Keeps the audio, unless the speaker left meanwhile: no erasure would find it then."""
        self._recordings.keep(speaker.domain, speaker.speaker, name, heard.content, heard.audio.format)
        domain, current, _ = self._domains.find(speaker.domain, speaker.speaker)
        if domain is None or not domain.is_open or current is None or current.status is SpeakerStatus.OPTED_OUT:
            self._recordings.forget(speaker.domain, speaker.speaker, name)

    def _usable(self, domain: DomainRecord, speaker: SpeakerRecord) -> Voiceprint:
        status = speaker.status_under(domain.policy)
        if status is SpeakerStatus.OPTED_OUT:
            raise Conflict(
                "speaker_opted_out", "The speaker opted out of voice authentication.", subject=Subject.SPEAKER
            )
        if speaker.consent and speaker.consent.is_over(self._clock()):
            raise Conflict(
                "consent_expired", "The speaker's consent has expired; enroll with a new one.", subject=Subject.SPEAKER
            )
        if status is not SpeakerStatus.ENROLLED or speaker.voiceprint is None:
            raise Conflict("speaker_not_enrolled", "The speaker's enrollment is not complete.", subject=Subject.SPEAKER)
        return newest_served(speaker.usable(self._models.spaces, domain.policy))

    def _judge(
        self,
        request: AuthenticationRequested,
        name: str,
        claim: FoundClaim,
        case: Case,
        extraction: Extraction,
        started: float,
    ) -> DecisionRecord:
        domain, calibration = claim.domain, claim.judging.calibration
        with stage("decide", extraction.timings_ms):
            judgement = judge(case, domain.policy, calibration)
            staged = judged_in_shadow(domain, case, calibration)
        return DecisionRecord(
            domain=request.domain,
            decision_id=name,
            speaker=request.speaker,
            case=case,
            judgement=judgement,
            policy=domain.policy,
            policy_version=domain.policy_version,
            staged=staged,
            bundle=self._models.digest,
            calibration=calibration.digest,
            audio=hashlib.sha256(extraction.content).hexdigest(),
            call_id=request.call_id,
            decided_at=self._clock(),
            latency_ms=round((time.monotonic() - started) * 1000),
            timings_ms=extraction.timings_ms,
            request_id=request.context.request_id,
            principal=request.context.principal,
            caller=claim.caller,
            call=claim.call,
            generation=generation(domain, claim.speaker),
        )


def _kept_audio(record: DecisionRecord) -> str:
    return f"authentications/{record.decision_id}"
