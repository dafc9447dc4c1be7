"""Authentication of one recording: evidence, a calibrated score, and a decision, written and then answered."""

import time
from datetime import timedelta
from typing import Any

from bonafide.biometrics.decision import Verdict, decide, missing_signals
from bonafide.biometrics.enrolment import SpeakerStatus
from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.scoring import Calibration, SpeakerScore, bands_to_meet, public_score, score
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.contracts import AuthenticationDecision, AuthenticationRequest, LivenessEvidence, SpeakerEvidence
from bonafide.errors import Conflict
from bonafide.observability import request_id, stage
from bonafide.ports import DecisionLog, DomainRecord, SpeakerRecord, SpeechModels, TenantStore
from bonafide.services import ledger
from bonafide.services.clock import Clock, request_identifier, utc_now
from bonafide.services.enrolment import quality_report, require_space
from bonafide.services.listening import Listener
from bonafide.services.recordings import Recordings
from bonafide.services.speakers import find_both


class VerificationService:
    """Holds a recording against the claimed speaker's voiceprint."""

    def __init__(
        self,
        store: TenantStore,
        models: SpeechModels[Any],
        recordings: Recordings,
        decisions: DecisionLog,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._models = models
        self._calibration = Calibration.parse(models.calibration)
        self._recordings = recordings
        self._decisions = decisions
        self._clock = clock
        self._listener = Listener(models, recordings)

    def begin(self, request: AuthenticationRequest) -> None:
        """Begins to listen to what may be a new request; that has no effect."""
        self._listener.begin(request.audio)

    def authenticate(
        self, domain: str, speaker: str, request: AuthenticationRequest, key: str | None
    ) -> AuthenticationDecision:
        """Decides on one recording.

        Args:
            domain: the tenant.
            speaker: who the caller claims to be.
            request: audio and what is known of the call.
            key: Idempotency-Key, by which a decision is recognised even when its first answer was lost.

        Raises:
            NotFound: the domain, the speaker or the upload is unknown.
            InvalidInput: the audio cannot be used.
            Conflict: the speaker opted out, is not yet enrolled, or must be enrolled again.
        """
        started = time.monotonic()
        heard = self._listener.listen(domain, request.audio)
        with stage("find_speaker"):
            tenant, record = find_both(self._store, domain, speaker)
        bands = bands_to_meet(self._usable(tenant, record))
        with stage("embed"):
            evidence = self._models.evidence(heard.speech, bands, heard.evidence.result())
        decision = self._decide(tenant, record, evidence, request, key, started)
        if tenant.retention.keep_audio:
            self._keep(record, f"authentications/{decision.decision_id}", heard.content)
        expires_at = decision.decided_at + timedelta(days=tenant.retention.decision_days)
        stored = ledger.write(self._decisions, decision, expires_at, started)
        return AuthenticationDecision.model_validate(stored)

    def _keep(self, record: SpeakerRecord, name: str, content: bytes) -> None:
        """Keeps the audio, unless the speaker left while it was listened to: nobody would erase it then."""
        self._recordings.keep(record.domain, record.speaker, name, content)
        tenant, current = self._store.find(record.domain, record.speaker)
        if tenant is None or tenant.deleting or current is None or current.status is SpeakerStatus.OPTED_OUT:
            self._recordings.forget(record.domain, record.speaker, name)

    def _usable(self, tenant: DomainRecord, record: SpeakerRecord) -> Voiceprint:
        status = record.status_under(tenant.policy)
        if status is SpeakerStatus.OPTED_OUT:
            raise Conflict("speaker_opted_out", "The speaker opted out of voice authentication.", field="speaker")
        if status is not SpeakerStatus.ENROLLED or record.voiceprint is None:
            raise Conflict("speaker_not_enrolled", "The speaker's enrolment is not complete.", field="speaker")
        require_space(record.voiceprint, self._models.embedding_space)
        return record.voiceprint

    def _decide(
        self,
        tenant: DomainRecord,
        record: SpeakerRecord,
        evidence: Evidence,
        request: AuthenticationRequest,
        key: str | None,
        started: float,
    ) -> AuthenticationDecision:
        with stage("score"):
            scored = score(self._usable(tenant, record), evidence, self._calibration) if evidence.embeddings else None
        with stage("decide"):
            verdict = decide(scored, evidence, tenant.policy)
        return AuthenticationDecision(
            decision_id=request_identifier(key, request, record.domain, record.speaker, "decision"),
            domain=record.domain,
            claimed_speaker=record.speaker,
            decision=verdict.decision,
            reasons=list(verdict.reasons),
            speaker=speaker_evidence(scored, verdict),
            liveness=liveness_evidence(evidence, self._calibration, verdict),
            speech_seconds=round(evidence.speech_seconds, 2),
            channel=evidence.channel,
            quality=quality_report(evidence),
            degraded=missing_signals(evidence),
            bundle=self._models.digest,
            policy_version=tenant.policy_version,
            call_id=request.context.call_id,
            decided_at=self._clock(),
            latency_ms=round((time.monotonic() - started) * 1000),
            request_id=request_id(),
        )


def speaker_evidence(scored: SpeakerScore | None, verdict: Verdict) -> SpeakerEvidence | None:
    """Shows a score beside the LLR from which on the policy accepts."""
    if scored is None:
        return None
    return SpeakerEvidence(
        llr=round(scored.llr, 3), score=round(scored.score, 1), threshold=round(verdict.thresholds.accept, 3)
    )


def liveness_evidence(evidence: Evidence | None, calibration: Calibration, verdict: Verdict) -> LivenessEvidence | None:
    """Shows liveness beside the LLR from which on the policy accepts, if somebody listened for it."""
    if evidence is None or evidence.liveness is None or calibration.liveness is None:
        return None
    return LivenessEvidence(
        llr=round(evidence.liveness, 3),
        score=round(public_score(evidence.liveness), 1),
        threshold=round(verdict.thresholds.liveness, 3),
        state=calibration.liveness.state(evidence.liveness),
    )
