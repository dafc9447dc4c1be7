"""What an evaluation does at once is what the service does one by one."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, isinf, nextafter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.biometrics.decision import decide
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import CalibratedRange, Calibration, Condition, Curve
from tests.biometrics.test_decision import SENSIBLE
from training.evaluation.batch import score
from training.evaluation.trials import (
    COMPARED,
    DECISIONS,
    TrialEnrollment,
    TrialRecording,
    compare,
    enrollments,
    thresholds,
)

MEASURED = CalibratedRange(seconds=1.5, clipped=0.01, level_dbfs=-45.0, snr_db=8.0)
CURVES = {
    condition: Curve(slope=12.0 + number, level=0.4, half_seconds=1.0, lowest=-8.0, highest=9.0)
    for number, condition in enumerate(Condition)
}
CALIBRATION = Calibration("space", CURVES, MEASURED)
SEEDS = st.integers(0, 2**32 - 1)


def unit(generator: np.random.Generator) -> np.ndarray:
    vector = generator.standard_normal(8)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def pick[T](generator: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(generator.integers(len(options)))]


def evidence(generator: np.random.Generator) -> Evidence:
    """Of any channel and quality, short or long, with or without liveness."""
    channel = pick(generator, list(Channel))
    clipped, snr_db = pick(generator, [0.0, 0.0, 0.1]), pick(generator, [None, 5.0, 30.0])
    return Evidence(
        speech_seconds=generator.gamma(2.0, 2.0) + 0.1,
        channel=channel,
        embeddings={band: unit(generator) for band in sorted({Channel.NARROWBAND, channel})},
        quality=Quality(generator.uniform(-50, -10), clipped, snr_db),
        embedding_space="space",
        liveness=pick(generator, [None, generator.normal(0.0, 4.0), 9.0]),
    )


def recordings(seed: int) -> list[TrialRecording]:
    """Twelve of three speakers, who have another session each, or none that is known."""
    generator = np.random.default_rng(seed)
    return [
        TrialRecording(speaker, session, evidence(generator), evidence(generator), unit(generator), unit(generator))
        for speaker, session in zip("aaaabbbbcccc", ["", "1", "1", "2"] * 3, strict=True)
    ]


def pairs(
    made: Sequence[TrialEnrollment], used: Sequence[TrialRecording]
) -> list[tuple[TrialEnrollment, TrialRecording]]:
    return [(each, used[index]) for each in made for index in each.tests]


@settings(max_examples=30)
@given(SEEDS, st.sampled_from([1, 3]), SENSIBLE)
def test_every_trial_comes_out_as_served(seed: int, size: int, policy: Policy) -> None:
    used = recordings(seed)
    made = enrollments(used, size)
    outcome = compare(made, used, CALIBRATION, policy)
    served = [score(each.voiceprint, test.test, CALIBRATION) for each, test in pairs(made, used)]
    assert outcome.llr == pytest.approx([each.llr for each in served], abs=1e-4)
    assert [COMPARED[code] for code in outcome.conditions] == [each.condition for each in served]
    decided = [
        decide(replace(each, llr=llr), test.test, policy).decision
        for each, llr, (_, test) in zip(served, outcome.llr.tolist(), pairs(made, used), strict=True)
    ]
    assert [DECISIONS[code] for code in outcome.decisions] == decided


@settings(max_examples=20)
@given(SEEDS, st.sampled_from([1, 3]))
def test_every_trial_has_its_speakers_sessions_and_plain_cosine(seed: int, size: int) -> None:
    used = recordings(seed)
    made = enrollments(used, size)
    outcome, trials = compare(made, used, CALIBRATION, Policy()), pairs(made, used)
    assert outcome.plain == pytest.approx([each.plain @ test.plain_test for each, test in trials], abs=1e-6)
    assert outcome.targets.tolist() == [each.speaker == test.speaker for each, test in trials]
    assert outcome.same_session.tolist() == [test.session in each.sessions for each, test in trials]
    assert ["abc"[index] for index in outcome.enrolled] == [each.speaker for each, _ in trials]
    assert ["abc"[index] for index in outcome.tested] == [test.speaker for _, test in trials]


@settings(max_examples=10)
@given(SEEDS, SENSIBLE)
def test_a_threshold_is_where_the_decision_changes_to_the_last_bit(seed: int, policy: Policy) -> None:
    used = recordings(seed)
    enrollment = enrollments(used, 1)[0]
    for recording, found in zip(used, thresholds(enrollment, used, CALIBRATION, policy).tolist(), strict=True):
        known = score(enrollment.voiceprint, recording.test, CALIBRATION)
        for number, llr in enumerate(found, start=1):
            around = (300.0, 300.0) if isinf(llr) else (nextafter(llr, -inf), llr)
            decisions = [decide(replace(known, llr=each), recording.test, policy).decision for each in around]
            below, at = (DECISIONS.index(each) for each in decisions)
            assert (at < number) if isinf(llr) else (at >= number)
            assert below < number or llr < -299.0
