"""What a calibration of a domain changes about that of the bundle, and what it must not change."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bonafide.biometrics.domain_calibration import DomainCalibration, UnusableCalibration
from bonafide.biometrics.scoring import Calibration, Comparison, Condition
from tests.calibrations import CORRECTION, a_calibration, with_condition

COMMITTED = Path(__file__).parents[2] / "layers/model/calibration/calibration.json"
BASE = Calibration.parse(json.loads(COMMITTED.read_text()))
OWN = a_calibration(BASE)


def compared(cosines: list[float], tested: float = 9.0) -> Comparison:
    return Comparison(Condition.NARROWBAND, np.array(cosines), 20.0, tested, BASE.embedding_space)


def test_an_llr_is_scaled_and_shifted_by_its_attenuation_and_keeps_within_its_bounds() -> None:
    curve = BASE.curves[Condition.NARROWBAND]
    shrunk = np.sqrt(20 / 21.5 * 9 / 10.5)
    raw = 0.5 * curve.slope * (0.7 - curve.level * shrunk) - 1.0 * shrunk
    expected = np.logaddexp(raw, -5.0) - np.logaddexp(0.0, raw - 8.0)
    assert OWN.of(BASE).llr(compared([0.7]))[0] == pytest.approx(expected)  # type: ignore[index]


def test_it_is_as_monotone_as_that_of_the_bundle_and_bounded() -> None:
    llrs = np.asarray(OWN.of(BASE).llr(compared(list(np.linspace(-1, 1, 201)))))
    assert (np.diff(llrs) >= 0).all()
    assert llrs[0] >= -5.0
    assert llrs[-1] <= 8.0


def test_conditions_that_it_does_not_name_keep_the_curve_of_the_bundle() -> None:
    one = replace(
        OWN,
        corrections={Condition.CROSS: CORRECTION},
        evidence={Condition.CROSS: OWN.evidence[Condition.CROSS]},
    )
    made = one.of(BASE)
    assert {name for name, curve in made.curves.items() if curve != BASE.curves[name]} == {Condition.CROSS}
    assert (made.measured, made.liveness) == (BASE.measured, BASE.liveness)


def test_the_digest_names_both_calibrations() -> None:
    digests = {BASE.digest, OWN.of(BASE).digest, with_condition(OWN, {"shift": -1.1}).of(BASE).digest}
    assert len(digests) == 3
    assert OWN.of(BASE).digest == DomainCalibration.parse(json.loads(json.dumps(OWN.to_document()))).of(BASE).digest


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"speakers": 49}, "49 speakers"),
        ({"genuine": 59}, "fewer comparisons"),
        ({"impostor": 59}, "fewer comparisons"),
        ({"cllr": 0.1221}, "by cross-validation"),
        ({"cllr": float("nan")}, "by cross-validation"),
        ({"scale": 3.01}, "scale"),
        ({"scale": 0.33}, "scale"),
        ({"shift": 8.1}, "moves by 8.1 nats"),
        ({"shift": float("nan")}, "nats"),
    ],
)
def test_what_does_not_pass_the_gate_is_named_and_never_used(changes: dict[str, float], why: str) -> None:
    refused = with_condition(OWN, changes)
    with pytest.raises(UnusableCalibration, match=f"narrowband: .*{why}"):
        refused.check()
    with pytest.raises(UnusableCalibration, match=why):
        refused.of(BASE)


def test_a_calibration_of_another_bundle_corrects_nothing() -> None:
    with pytest.raises(UnusableCalibration, match="another calibration"):
        OWN.of(replace(BASE, digest="other"))


def test_an_llr_may_not_go_beyond_what_the_bundle_supports() -> None:
    with pytest.raises(UnusableCalibration, match="bounded less"):
        with_condition(OWN, {"highest": 12.0}).of(BASE)
