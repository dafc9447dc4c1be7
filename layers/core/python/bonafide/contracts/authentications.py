"""Authentications, and the parts of an answer that every judgement has."""

from pydantic import AwareDatetime, Field

from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.judgement import Judgement, disclosed
from bonafide.biometrics.liveness import LivenessState
from bonafide.biometrics.policy import Disclosure
from bonafide.contracts.audio import AudioInput, QualityReport, quality_report
from bonafide.contracts.base import Answer, Identifier, Request
from bonafide.contracts.risk.calls import CallDetails
from bonafide.contracts.risk.reports import CallRiskReport, risk_report
from bonafide.records.decision import DecisionRecord
from bonafide.records.risk.call import StatedCall


class CallContext(Request):
    """Context of the call, as the contact center knows it. Holds references, never personal data."""

    call_id: Identifier | None = Field(None, description="Your reference to the call; stored with the decision.")
    caller: Identifier | None = Field(
        None,
        description="Your reference to the line or the device that the call comes from, the same in each of its calls. "
        "Failed attempts are counted for it; only a keyed hash of it is stored. Leave it out where many share it.",
        # A request without it keeps the digest that the release before gives it.
        exclude_if=lambda caller: caller is None,
    )


class AuthenticationRequest(Request):
    """A caller's speech, to be compared with the claimed speaker's voiceprint."""

    audio: AudioInput
    context: CallContext = CallContext()
    call: CallDetails | None = Field(
        None,
        description="What else is known of the call: weighed with the voice.",
        exclude_if=lambda call: call is None,
    )

    def stated_call(self) -> StatedCall | None:
        """Returns the call as services take it; None if nothing is known of it."""
        return self.call.to_record() if self.call else None


class SpeakerEvidence(Answer):
    """Evidence of the voice for or against the claimed speaker."""

    llr: float = Field(
        description="Calibrated natural-log likelihood ratio; above 0 favors the claimed speaker. Where the policy "
        "discloses coarse scores: the highest threshold of the policy that it reaches, or -50."
    )
    score: float = Field(ge=0, le=100, description="The LLR on a scale of 0 to 100.")
    threshold: float = Field(description="LLR from which on this policy accepts a voice that is surely human.")


class LivenessEvidence(Answer):
    """Evidence for a human voice rather than a synthetic one."""

    llr: float = Field(
        description="Calibrated natural-log likelihood ratio; above 0 favors a human. Where the policy discloses "
        "coarse scores: `threshold` if it reaches that, else -50."
    )
    score: float = Field(ge=0, le=100, description="The LLR on a scale of 0 to 100.")
    threshold: float = Field(description="LLR from which on this policy accepts a voice that surely is the speaker's.")
    state: LivenessState = Field(description="Name of the LLR, independent of the policy.")


class AuthenticationDecision(Answer):
    """Decision on a recording, with reasons. It never changes once it is answered."""

    decision_id: str
    domain: str
    claimed_speaker: str
    decision: Decision
    reasons: list[Reason] = Field(
        description="The decisive one first, then those that kept the decision from being better."
    )
    speaker: SpeakerEvidence | None = Field(
        description="Null when there was no speech to score; where the policy does not disclose scores; and on "
        "INCONCLUSIVE decisions where it discloses coarse ones."
    )
    liveness: LivenessEvidence | None = Field(
        None, description="Null when it was not detected, and as `speaker` by the policy."
    )
    speech_seconds: float
    channel: Channel
    quality: QualityReport
    degraded: list[str] = Field(description="Optional signals that were not available.")
    call_risk: CallRiskReport | None = Field(
        None,
        description="What the call itself says, by `call` of the request: with weights where the policy discloses full "
        "scores, without where it discloses coarse ones. Null where it discloses none, or nothing was said.",
    )
    bundle: str = Field(description="SHA-256 of the models' manifest.")
    policy_version: int
    call_id: str | None
    decided_at: AwareDatetime
    latency_ms: int = Field(description="Time from the request's arrival in the function to the decision.")
    request_id: str | None = Field(None, description="Of the request that was decided on, as in its X-Request-Id.")


def decision_view(record: DecisionRecord) -> AuthenticationDecision:
    """Returns the view of a decision on one recording, with as much of the scores as its policy discloses."""
    case, judgement = record.case, disclosable(record)
    # A recording always has a band and measurements; only sessions may be without.
    assert case.channel
    assert case.quality
    return AuthenticationDecision(
        decision_id=record.decision_id or "",
        domain=record.domain,
        claimed_speaker=record.speaker or "",
        decision=judgement.decision,
        reasons=list(judgement.reasons),
        speaker=speaker_evidence(judgement),
        liveness=liveness_evidence(judgement),
        speech_seconds=round(case.speech_seconds, 2),
        channel=case.channel,
        quality=quality_report(case.quality),
        degraded=list(case.degraded),
        call_risk=risk_report(case.risk, disclosure_of(record)),
        bundle=record.bundle,
        policy_version=record.policy_version,
        call_id=record.call_id,
        decided_at=record.decided_at,
        latency_ms=record.latency_ms or 0,
        request_id=record.request_id,
    )


def disclosable(record: DecisionRecord) -> Judgement:
    """Returns what an answer may tell of a judgement, by the policy that made it; the first release told everything."""
    return disclosed(record.judgement, disclosure_of(record))


def disclosure_of(record: DecisionRecord) -> Disclosure:
    """Returns the detail that the policy of a decision allows; the first release told everything."""
    return record.policy.disclosure if record.policy else Disclosure.FULL


def speaker_evidence(judgement: Judgement) -> SpeakerEvidence | None:
    """Returns the view of a voice's score, rounded, beside the threshold of the policy."""
    if judgement.speaker is None:
        return None
    return SpeakerEvidence(
        llr=round(judgement.speaker.llr, 3),
        score=round(judgement.speaker.score, 1),
        threshold=round(judgement.thresholds.accept, 3),
    )


def liveness_evidence(judgement: Judgement) -> LivenessEvidence | None:
    """Returns the view of liveness, rounded, beside the threshold of the policy."""
    if judgement.liveness is None:
        return None
    return LivenessEvidence(
        llr=round(judgement.liveness.llr, 3),
        score=round(judgement.liveness.score, 1),
        threshold=round(judgement.thresholds.liveness, 3),
        state=judgement.liveness.state,
    )
