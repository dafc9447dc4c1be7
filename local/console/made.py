"""Decisions of a made-up week in a contact center: judged by the judge of the service, but of no recording.

Scores are drawn from normal distributions that were chosen to look like a domain in use. They measure nothing.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from bonafide.biometrics.case import Case
from bonafide.biometrics.decision import Reason
from bonafide.biometrics.evidence import Channel, Quality
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.outcomes.labels import AttackKind, OutcomeLabel
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.risk.scorecard import CallReason, CallRisk, WeighedReason
from bonafide.biometrics.scoring import Calibration, Comparison, Condition
from bonafide.biometrics.session import SessionStatus
from bonafide.biometrics.watchlists.voices import VoiceMatch
from bonafide.records.decision import ChunkTally, DecisionRecord, SessionPart
from bonafide.records.outcomes.statement import OutcomeStatement

SEED = 7
SPEAKERS = 60
BEFORE = timedelta(days=7)
OUTCOMES_KNOWN = 0.35
# The narrowband network finds all voices more alike, and its calibration knows.
NARROWBAND_COSINE = 0.12
# The fraud that an analyst looks for: a copied voice that was accepted, on the day before.
CLONED_SPEAKER, CLONE = "customer-0017", str(UUID(int=17))


@dataclass(frozen=True, slots=True)
class CallerKind:
    """One kind of callers.

    Attributes:
        share: of all calls.
        cosine: mean and standard deviation of the wideband comparison with the voiceprint.
        liveness: mean and standard deviation of the LLR.
        label: truth about them.
        attack: of frauds.
        reasons: that their calls may give, with nats.
    """

    share: float
    cosine: tuple[float, float]
    liveness: tuple[float, float]
    label: OutcomeLabel
    attack: AttackKind | None
    reasons: Sequence[tuple[CallReason, float]]


KINDS = (
    CallerKind(
        0.94, (0.78, 0.05), (4.2, 1.6), OutcomeLabel.GENUINE, None,
        ((CallReason.NUMBER_KNOWN, -1.2), (CallReason.ATTESTATION_A, -0.4), (CallReason.NUMBER_NEW, 0.3)),
    ),
    CallerKind(
        0.04, (0.3, 0.12), (4.2, 1.6), OutcomeLabel.FRAUD, AttackKind.IMPOSTOR,
        ((CallReason.NUMBER_WITHHELD, 0.5), (CallReason.NUMBER_NEW, 0.3)),
    ),
    CallerKind(
        0.02, (0.77, 0.05), (-2.5, 1.5), OutcomeLabel.FRAUD, AttackKind.SYNTHETIC,
        ((CallReason.LINE_VOIP, 0.7), (CallReason.NUMBER_NEW, 0.3)),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MadeCalls:
    """Draws calls of one domain.

    Attributes:
        domain: of the calls.
        bundle: digest that their decisions name.
        calibration: that judges.
        now: the end of the week.
    """

    domain: str
    bundle: str
    calibration: Calibration
    now: datetime

    def draw(self, count: int) -> Iterator[tuple[DecisionRecord, OutcomeStatement | None]]:
        """Yields decisions, each with its outcome if one is known; the last is the clone that nobody noticed yet."""
        chance = random.Random(SEED)  # noqa: S311, protects nothing
        weights = [each.share for each in KINDS]
        for number in range(count - 1):
            (kind,) = chance.choices(KINDS, weights)
            at = self.now - BEFORE * chance.random()
            speaker = f"customer-{chance.randrange(SPEAKERS):04}"
            record = self._record(str(UUID(int=1000 + number)), speaker, at, _case(chance, kind, self.calibration))
            yield _varied(chance, record), self._outcome(kind, record) if chance.random() < OUTCOMES_KNOWN else None
        yield self._record(CLONE, CLONED_SPEAKER, self._yesterday(), self._clone()), None

    def _yesterday(self) -> datetime:
        return (self.now - timedelta(days=1)).replace(hour=14, minute=3, second=27)

    def _clone(self) -> Case:
        reason = WeighedReason(CallReason.LINE_VOIP, 0.7)
        return Case(
            speech_seconds=11.4,
            channel=Channel.NARROWBAND,
            quality=Quality(-22.4, 0.0, 27.0),
            liveness=-0.35,
            comparison=Comparison(Condition.NARROWBAND, 0.91, 32.0, 11.4, self.calibration.embedding_space),
            risk=CallRisk("expert-1", 0.7, (reason,)),
        )

    def _record(self, name: str, speaker: str, at: datetime, case: Case) -> DecisionRecord:
        policy = Policy()
        return DecisionRecord(
            domain=self.domain,
            decision_id=name,
            speaker=speaker,
            case=case,
            judgement=judge(case, policy, self.calibration),
            policy=policy,
            policy_version=1,
            bundle=self.bundle,
            calibration=self.calibration.digest,
            audio="0" * 64,
            call_id=f"call-{name[-4:]}",
            decided_at=at,
            latency_ms=None,
            principal="arn:aws:iam::000000000000:role/integrator",
        )

    def _outcome(self, kind: CallerKind, record: DecisionRecord) -> OutcomeStatement:
        known = min(record.decided_at + timedelta(hours=20), self.now)
        return OutcomeStatement("made", kind.label, kind.attack, known, known, source=f"case-{record.call_id}")


def _case(chance: random.Random, kind: CallerKind, calibration: Calibration) -> Case:
    speech = chance.uniform(2.5, 25)
    band = chance.choice((Channel.NARROWBAND, Channel.NARROWBAND, Channel.WIDEBAND))
    cosine = chance.gauss(*kind.cosine) + (NARROWBAND_COSINE if band is Channel.NARROWBAND else 0.0)
    comparison = Comparison(
        Condition(band.value), min(cosine, 1.0), chance.uniform(20, 60), speech, calibration.embedding_space
    )
    return Case(
        speech_seconds=speech,
        channel=band,
        quality=Quality(chance.gauss(-23, 3), 0.0, chance.uniform(14, 40)),
        liveness=chance.gauss(*kind.liveness),
        comparison=comparison,
        alerts=(Reason.WATCHLIST_MATCH,) if kind.attack and chance.random() < 0.2 else (),
        risk=_risk(chance, kind) if chance.random() < 0.5 else None,
    )


def _risk(chance: random.Random, kind: CallerKind) -> CallRisk:
    found = [WeighedReason(*each) for each in kind.reasons if chance.random() < 0.6]
    total = max(-1.5, min(3.0, sum(each.nats for each in found)))
    return CallRisk("expert-1", total, tuple(sorted(found, key=lambda each: -abs(each.nats))))


def _varied(chance: random.Random, record: DecisionRecord) -> DecisionRecord:
    """Returns the decision of a recording, or of a session; with the known fraudster if one was found."""
    match = VoiceMatch(("known", "fraudster-3"), 0.62, 0.004, 40) if record.case.alerts else None
    if chance.random() < 0.5:
        return replace(record, latency_ms=chance.randrange(180, 420), watchlist_match=match)
    chunks = chance.randrange(4, 30)
    part = SessionPart(f"session-{record.call_id}", "made", SessionStatus.FINAL, ChunkTally(chunks, chunks, chunks, 0))
    return replace(record, session=part, watchlist_match=match)
