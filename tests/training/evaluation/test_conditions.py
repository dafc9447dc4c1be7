"""Decisions on calls by condition, on evidence whose answers are known."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.scoring import Calibration
from bonafide.biometrics.voiceprint import Voiceprint
from training.evaluation.conditions.calls import CLEAN, LineCaller
from training.evaluation.conditions.decided import errors

DOCUMENT = json.loads((Path(__file__).parents[3] / "layers/model/calibration/calibration.json").read_text())
CALIBRATION = Calibration.parse(DOCUMENT)
GOOD = Quality(-20.0, 0.0, 30.0)


def heard(person: int, quality: Quality = GOOD, liveness: float | None = 2.0) -> Evidence:
    """Ten seconds of a person whose voice is like nobody else's."""
    vector = np.eye(8, dtype=np.float32)[person]
    bands = {Channel.NARROWBAND: vector}
    return Evidence(10.0, Channel.NARROWBAND, bands, quality, CALIBRATION.embedding_space, liveness)


def caller(person: int, line: Evidence) -> LineCaller:
    return LineCaller(f"person {person}", 8000, Voiceprint.of([heard(person)]), {CLEAN: heard(person), "line": line})


def test_calls_over_a_line_are_held_against_the_same_peoples_clean_calls() -> None:
    noisy = replace(GOOD, snr_db=-3.0)
    found = [caller(0, heard(0)), caller(1, heard(1, noisy)), caller(2, heard(2, liveness=-9.0)), caller(3, heard(0))]
    measured = errors(found, CALIBRATION, "line", liveness=True)
    assert (measured.calls, measured.claims) == (4, 12)
    assert (measured.not_accepted, measured.clean_not_accepted) == (0.75, 0.0)
    assert (measured.voice_not_accepted, measured.clean_voice_not_accepted) == (0.5, 0.0)
    assert measured.accepted == pytest.approx(1 / 12)  # person 3's call sounds like person 0
    assert measured.reasons["AUDIO_NOISY"] == measured.reasons["VOICE_SYNTHETIC"] == 1


def test_without_liveness_only_the_voice_is_measured() -> None:
    found = [caller(person, heard(person, liveness=None)) for person in range(3)]
    measured = errors(found, CALIBRATION, "line", liveness=False)
    assert (measured.not_accepted, measured.voice_not_accepted, measured.accepted) == (None, 0.0, 0.0)
    assert (measured.eer, measured.reasons) == (0.0, {})


def test_people_at_another_rate_are_no_impostors() -> None:
    found = [caller(0, heard(0)), caller(1, heard(1)), replace(caller(2, heard(2)), rate=16000)]
    assert errors(found, CALIBRATION, "line", liveness=True).claims == 2
