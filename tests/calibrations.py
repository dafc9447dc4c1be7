"""Calibrations of domains, as tests need them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bonafide.biometrics.domain_calibration import ConditionEvidence, CurveCorrection, DomainCalibration
from bonafide.biometrics.scoring import Calibration, Condition

EVIDENCE = ConditionEvidence(60, 180, 5000, cllr=0.08, global_cllr=0.12, min_cllr=0.05)
CORRECTION = CurveCorrection(scale=0.5, shift=-1.0, lowest=-5.0, highest=8.0)


def a_calibration(base: Calibration, domain: str = "acme", **changes: Any) -> DomainCalibration:
    """A calibration that passes the gate, of every condition."""
    made = DomainCalibration(
        domain=domain,
        bundle="b" * 64,
        base=base.digest,
        embedding_space=base.embedding_space,
        corrections=dict.fromkeys(Condition, CORRECTION),
        evidence=dict.fromkeys(Condition, EVIDENCE),
        fitted_from="f" * 64,
    )
    return replace(made, **changes)


def with_condition(made: DomainCalibration, changes: Mapping[str, Any]) -> DomainCalibration:
    """The same with other figures of one condition."""
    document = made.to_document()
    document["conditions"]["narrowband"] |= changes
    return DomainCalibration.parse(document)
