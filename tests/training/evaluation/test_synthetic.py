"""The share of contributions that are refused as synthetic."""

from pathlib import Path

import pytest

from bonafide.biometrics.liveness import LivenessScale
from training.evaluation.attacks import synthetic
from training.evaluation.attacks.synthetic import contributions, refused

SCALE = LivenessScale(spoof_below=-4.0, bona_fide_from=0.0)


def test_a_contribution_is_a_run_that_just_holds_enough_weighted_by_its_speech() -> None:
    recordings = [(2.0, 1.0), (-4.0, 2.0), (0.0, 3.0)]
    assert list(contributions(recordings, 3.0)) == [-2.0, pytest.approx(-8 / 5), 0.0]
    assert list(contributions(recordings, 7.0)) == []


def test_what_is_refused_is_what_enrollment_refuses_by_label_and_length() -> None:
    scored = {("bonafide", "ann"): [(1.0, 4.0), (-3.9, 4.0)], ("spoof", "tts"): [(-4.1, 4.0), (3.0, 20.0)]}
    found = {(label, seconds): (count, share) for label, seconds, count, share in refused(scored, SCALE)}
    assert found == {
        ("bonafide", 3.0): (2, 0.0),
        ("bonafide", 5.0): (1, 0.0),
        ("spoof", 3.0): (2, 0.5),
        ("spoof", 5.0): (2, 0.0),
        ("spoof", 15.0): (2, 0.0),
    }


def test_a_manifest_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["synthetic", "--manifest", str(tmp_path / "none.csv")])
    assert synthetic.main() == 2
    assert "none.csv" in capsys.readouterr().err
