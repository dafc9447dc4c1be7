"""Decisions on calls by condition, and their errors."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bonafide.biometrics.case import Case
from bonafide.biometrics.decision import LARGEST_LLR, Decision
from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.judgement import Judgement, judge
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.presentation.voices import voice_alerts
from bonafide.biometrics.scoring import Calibration
from bonafide.biometrics.voiceprint import Voiceprint
from training.evaluation.conditions.calls import CLEAN, LineCaller
from training.evaluation.metrics import Trials, cllr, eer, min_cllr

POLICY = Policy()
NOTHING_SCORED = -LARGEST_LLR


@dataclass(frozen=True, slots=True)
class ConditionErrors:
    """Errors in one condition; rates are fractions.

    Attributes:
        calls: genuine ones.
        not_accepted: of them, by the whole decision; None without liveness.
        voice_not_accepted: of them, if liveness left no doubt.
        clean_not_accepted: of the same people's clean calls, by the whole decision; None without liveness.
        clean_voice_not_accepted: of the same, if liveness left no doubt.
        claims: of other people to be an enrolled person of the same rate.
        accepted: of them, if liveness left no doubt.
        eer: of the LLRs of genuine calls and claims.
        cllr: of the same, bits.
        min_cllr: the least that a monotone map of the LLRs could have.
        snr_db: median of the measured ones.
        level_dbfs: median.
        clipped: largest.
        reasons: of genuine calls that were not accepted, with their number.
    """

    calls: int
    not_accepted: float | None
    voice_not_accepted: float
    clean_not_accepted: float | None
    clean_voice_not_accepted: float
    claims: int
    accepted: float
    eer: float
    cllr: float
    min_cllr: float
    snr_db: float | None
    level_dbfs: float
    clipped: float
    reasons: Mapping[str, int]


def errors(found: Sequence[LineCaller], calibration: Calibration, name: str, *, liveness: bool) -> ConditionErrors:
    """Decides on the calls of a condition, each against its own person's voiceprint and the others' of its rate."""
    those = [caller for caller in found if name in caller.calls]
    own = [_judged(caller.calls[name], caller.voiceprint, calibration) for caller in those]
    sure = [_judged(_alive(caller.calls[name]), caller.voiceprint, calibration) for caller in those]
    clean = [_judged(caller.calls[CLEAN], caller.voiceprint, calibration) for caller in those]
    clean_sure = [_judged(_alive(caller.calls[CLEAN]), caller.voiceprint, calibration) for caller in those]
    claims = [
        _judged(_alive(caller.calls[name]), other.voiceprint, calibration)
        for caller in those
        for other in found
        if other.speaker != caller.speaker and other.rate == caller.rate
    ]
    llrs = np.array([_llr(each) for each in (*sure, *claims)])
    trials = Trials.of(llrs, np.arange(len(llrs)) < len(sure))
    quality = [caller.calls[name].quality for caller in those]
    snr = [each.snr_db for each in quality if each.snr_db is not None]
    missed = own if liveness else sure
    return ConditionErrors(
        calls=len(those),
        not_accepted=_missed(own) if liveness else None,
        voice_not_accepted=_missed(sure),
        clean_not_accepted=_missed(clean) if liveness else None,
        clean_voice_not_accepted=_missed(clean_sure),
        claims=len(claims),
        accepted=1.0 - _missed(claims),
        eer=eer(trials),
        cllr=cllr(trials),
        min_cllr=min_cllr(trials),
        snr_db=float(np.median(snr)) if snr else None,
        level_dbfs=float(np.median([each.level_dbfs for each in quality])),
        clipped=max(each.clipped for each in quality),
        reasons=dict(_reasons(missed)),
    )


def _reasons(judgements: Sequence[Judgement]) -> Counter[str]:
    return Counter(
        reason.value for each in judgements if each.decision is not Decision.ACCEPT for reason in each.reasons
    )


def _alive(evidence: Evidence) -> Evidence:
    return replace(evidence, liveness=LARGEST_LLR)


def _judged(evidence: Evidence, voiceprint: Voiceprint, calibration: Calibration) -> Judgement:
    alerts = voice_alerts([evidence], evidence.channel) if evidence.embeddings else ()
    return judge(Case.of(evidence, voiceprint, alerts=alerts), POLICY, calibration)


def _llr(judgement: Judgement) -> float:
    return judgement.speaker.llr if judgement.speaker else NOTHING_SCORED


def _missed(judgements: Sequence[Judgement]) -> float:
    return float(np.mean([each.decision is not Decision.ACCEPT for each in judgements]))
