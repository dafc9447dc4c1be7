"""Who may add to a voiceprint, measured on voices that are angles."""

import sys
from pathlib import Path

import numpy as np
import pytest

from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.scoring import CalibratedRange, Calibration, Condition, Curve
from training.evaluation import contributions
from training.evaluation.contributions import SpokenRecording, trials

CURVE = Curve(slope=20.0, level=0.9, half_seconds=0.01, lowest=-10.0, highest=10.0)
CALIBRATION = Calibration("space", dict.fromkeys(Condition, CURVE), CalibratedRange(1.0, 1.0, -90.0, -90.0))


def spoken(speaker: str, angle: float, seconds: float = 6.0) -> SpokenRecording:
    vector = np.array([np.cos(angle), np.sin(angle)], np.float32)
    evidence = Evidence(seconds, Channel.NARROWBAND, {Channel.NARROWBAND: vector}, Quality(-20.0, 0.0, None), "space")
    return SpokenRecording(speaker, evidence, evidence)


def people(*angles: float, count: int = 4) -> list[SpokenRecording]:
    return [spoken(f"speaker {angle}", angle + 0.01 * n) for angle in angles for n in range(count)]


def test_strangers_enter_below_a_bound_that_their_voices_reach_and_speakers_are_refused_above_their_own() -> None:
    made = trials(people(0.0, 1.5), CALIBRATION)[Condition.NARROWBAND]
    assert made.refused(0.0) == made.entered(0.0) == 0.0
    assert made.refused(9.0) == made.entered(-10.0) == 1.0


def test_who_sounds_alike_enters() -> None:
    made = trials(people(0.0, 0.1), CALIBRATION)[Condition.NARROWBAND]
    assert made.entered(0.0) == 1.0


def test_no_recording_is_on_both_sides() -> None:
    # Two recordings of 6 s: each enrolls alone for the other; of 20 s and of 15 s there is nothing.
    made = trials(people(0.0, 1.5, count=2), CALIBRATION)[Condition.NARROWBAND]
    assert (len(made.genuine), len(made.impostor)) == (4, 8)


def test_a_manifest_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["contributions", "--manifest", str(tmp_path / "missing.csv")])
    assert contributions.main() == 2
    assert "missing.csv" in capsys.readouterr().err
