"""Judgement under the policy of a domain that is staged."""

from bonafide.biometrics.case import Case
from bonafide.biometrics.scoring import Calibration
from bonafide.observability import log_unexpected
from bonafide.records.domain import DomainRecord
from bonafide.records.policies.staged import StagedJudgement


def judged_in_shadow(domain: DomainRecord, case: Case, calibration: Calibration) -> StagedJudgement | None:
    """Judges a case under the staged policy; None if none is, or if that fails: no answer may fail for it."""
    if domain.staged is None:
        return None
    try:
        return domain.staged.judged(case, calibration)
    except Exception as error:
        log_unexpected(error)
        return None
