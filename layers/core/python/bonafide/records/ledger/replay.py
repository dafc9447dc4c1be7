"""Replay: a decision is judged again from the facts, the policy and the calibration that its record names."""

from collections.abc import Mapping
from math import inf

from bonafide.biometrics.judgement import Judgement, judge
from bonafide.biometrics.scoring import Calibration
from bonafide.records.decision import DecisionRecord


def replayed(record: DecisionRecord, calibrations: Mapping[str, Calibration]) -> Judgement | None:
    """Judges a stored decision again; None if its calibration is not known, or its record does not hold its policy.

    Args:
        record: with or without its personal attributes, on which no judgement rests.
        calibrations: by digest.
    """
    calibration = calibrations.get(record.calibration or "")
    return judge(record.case, record.policy, calibration) if calibration and record.policy else None


def difference(stored: Judgement, again: Judgement) -> float:
    """Returns 0 if two judgements are equal to the last bit, else the largest difference of their numbers.

    It is infinite where decision, reasons, missing signals or the state of liveness differ.
    """
    if stored == again:
        return 0.0
    one, other = _named(stored), _named(again)
    if one != other:
        return inf
    pairs = zip(_numbers(stored), _numbers(again), strict=True)
    return max(0.0 if left == right else abs(left - right) for left, right in pairs)


def _named(judgement: Judgement) -> tuple[object, ...]:
    liveness = judgement.liveness
    state = liveness.state if liveness else None
    return judgement.decision, judgement.reasons, judgement.degraded, judgement.speaker is None, state


def _numbers(judgement: Judgement) -> list[float]:
    limits, voice, liveness = judgement.thresholds, judgement.speaker, judgement.liveness
    numbers = [limits.accept, limits.reject, limits.liveness]
    numbers += [voice.llr, voice.score] if voice else []
    return numbers + ([liveness.llr, liveness.score] if liveness else [])
