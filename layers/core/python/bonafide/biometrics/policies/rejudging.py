"""Judging again under another policy, from what is stored with a decision; calibrations are not needed."""

from math import inf

from bonafide.biometrics.case import Case
from bonafide.biometrics.decision import Reason, ReasonedDecision
from bonafide.biometrics.judgement import Judgement, decided
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import CalibratedRange, Comparison, SpeakerScore


def rejudged(case: Case, judgement: Judgement, former: Policy, policy: Policy) -> ReasonedDecision | None:
    """Returns what the judge would have decided under another policy; None where that cannot be told.

    Policies share everything before the decision: scores, and the doubts that reasons name. What these do not tell is
    whether there was enough speech for the calibration, if there was less than `former` required.

    Args:
        case: that was judged.
        judgement: of the case.
        former: policy of the judgement.
        policy: the other one.
    """
    few = Reason.NOT_ENOUGH_SPEECH in judgement.reasons
    enough_for_former = case.speech_seconds >= former.minimum_decision_seconds
    if few and not enough_for_former and case.comparison and case.speech_seconds >= policy.minimum_decision_seconds:
        return None
    return decided(_score(case.comparison, judgement, too_short=few and enough_for_former), case, policy)


def _score(comparison: Comparison | None, judgement: Judgement, *, too_short: bool) -> SpeakerScore | None:
    """Returns the score, with a range that the recording lies beyond just where it lay beyond its calibration's."""
    voice, reasons = judgement.speaker, judgement.reasons
    if comparison is None or voice is None:
        return None
    measured = CalibratedRange(
        seconds=inf if too_short else 0.0,
        clipped=-inf if Reason.AUDIO_CLIPPED in reasons else inf,
        level_dbfs=inf if Reason.AUDIO_TOO_QUIET in reasons else -inf,
        snr_db=inf if Reason.AUDIO_NOISY in reasons else -inf,
    )
    return SpeakerScore(voice.llr, voice.score, comparison.condition, float(comparison.cosine), measured)
