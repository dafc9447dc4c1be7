"""What answers tell a climber, on voices of 128 dimensions."""

import numpy as np

from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.policy import Disclosure
from bonafide.biometrics.scoring import CalibratedRange, Calibration, Condition, Curve
from bonafide.biometrics.voiceprint import Voiceprint
from training.evaluation.attacks.hillclimb import STEPS, AttackedService, Climb, climb, table

CURVE = Curve(slope=12.0, level=0.4, half_seconds=0.01, lowest=-8.0, highest=10.0)
CALIBRATION = Calibration("space", dict.fromkeys(Condition, CURVE), CalibratedRange(1.0, 1.0, -90.0, -90.0))


def voice(direction: int) -> Evidence:
    vector = np.zeros(128, np.float32)
    vector[direction] = 1.0
    quality = Quality(-20.0, 0.0, None)
    return Evidence(10.0, Channel.NARROWBAND, {Channel.NARROWBAND: vector}, quality, "space", liveness=3.0)


def attacked(disclosure: Disclosure | None) -> Climb:
    service = AttackedService(Voiceprint.of([voice(0)]), CALIBRATION, disclosure)
    return climb(service, voice(1), STEPS[1], 400, np.random.default_rng(1))


def test_exact_scores_are_climbed_to_the_top_and_coarse_ones_are_not() -> None:
    full, coarse = attacked(Disclosure.FULL), attacked(Disclosure.COARSE)
    assert full.accepted
    assert full.end - full.start > 5.0
    assert not coarse.accepted
    assert coarse.end - coarse.start < 1.0


def test_coarse_scores_tell_a_climber_no_more_than_the_decision_does() -> None:
    assert attacked(Disclosure.COARSE) == attacked(Disclosure.NONE)


def test_the_table_shows_gains_and_accepted_voices() -> None:
    [line] = table(None, 0.2, [Climb(-6.0, -5.0, accepted=False), Climb(-6.0, 3.0, accepted=True)])
    assert line == "blind   step  0.2  2 attacks  mean +5.00  median +5.00  95 % +8.60  accepted 1"
