import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bonafide.audio.waveform import Waveform
from bonafide.biometrics.decision import Decision
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.scoring import CalibratedRange, Calibration, Condition, Curve, SpeakerScore
from tests.readings import reading
from tests.training.conftest import as_wav, write_manifest
from training.corpus.manifest import ManifestError
from training.evaluation import evaluate, tandem
from training.evaluation.claims import DRAWS, IdentityClaim, SyntheticRecording, by_copies, by_humans
from training.evaluation.metrics import Kind
from training.evaluation.tandem import ClaimTable, figures
from training.evaluation.trials import TrialRecording, enrollments

MEASURED = CalibratedRange(seconds=1.0, clipped=1.0, level_dbfs=-90.0, snr_db=-90.0)
CURVE = Curve(slope=20.0, level=0.5, half_seconds=1.0, lowest=-10.0, highest=10.0)
CALIBRATION = Calibration("space", dict.fromkeys(Condition, CURVE), MEASURED)


def evidence(angle: float, liveness: float = 2.0) -> Evidence:
    vector = np.array([np.cos(angle), np.sin(angle)], np.float32)
    quality = Quality(-20.0, 0.0, None)
    return Evidence(5.0, Channel.NARROWBAND, {Channel.NARROWBAND: vector}, quality, "space", liveness)


def recording(speaker: str, angle: float) -> TrialRecording:
    found = evidence(angle)
    vector = found.embeddings[Channel.NARROWBAND]
    return TrialRecording(speaker, "", found, found, vector, vector)


RECORDINGS = [recording(speaker, angle) for speaker, angle in (("a", 0.0), ("a", 0.1), ("b", 1.5), ("b", 1.6))]


def claims(*copies: SyntheticRecording, recordings: Sequence[TrialRecording] = RECORDINGS) -> list[IdentityClaim]:
    enrolled = enrollments(recordings, 1)
    humans = by_humans(enrolled, recordings, CALIBRATION)
    return [*humans, *by_copies(copies, enrolled, humans, CALIBRATION)]


def claim(kind: Kind, llr: float, liveness: float, system: str = "") -> IdentityClaim:
    score = SpeakerScore(llr, 50.0, Condition.NARROWBAND, 0.5, MEASURED)
    units = ("", f"system {system}") if kind is Kind.SPOOF else ("speaker a", "speaker b" if kind else "")
    return IdentityClaim(kind, score, evidence(0.0, liveness), units, 1.0, system)


def test_synthetic_speech_of_an_enrolled_speaker_is_held_against_each_voiceprint_of_that_speaker() -> None:
    made = claims(SyntheticRecording("b", "vits", evidence(1.5)))[6:]
    assert [each.units for each in made] == [("speaker b", "system vits")]
    assert made[0].score.cosine == pytest.approx(1.0, abs=1e-3)


def test_synthetic_speech_of_nobody_who_is_enrolled_is_taken_for_a_perfect_clone() -> None:
    made = claims(SyntheticRecording("", "vits", evidence(3.0)), SyntheticRecording("stranger", "vits", evidence(3.0)))
    genuine = {each.score.llr for each in made if each.kind is Kind.TARGET}
    assert {each.score.llr for each in made[6:]} == genuine
    assert len(made[6:]) == 2 * DRAWS
    assert sum(each.weight for each in made[6:]) == pytest.approx(2.0)


def test_the_same_manifests_give_the_same_figures() -> None:
    three = [*RECORDINGS, recording("c", 0.8), recording("c", 0.9)]
    made = (claims(SyntheticRecording("", "vits", evidence(3.0)), recordings=three) for _ in range(2))
    first, second = (figures(ClaimTable.of(each)) for each in made)
    assert first == second
    low, high = first["confidence_intervals"]["a_dcf"]
    assert low <= first["a_dcf"] <= high


def test_two_speakers_do_not_tell_how_figures_vary() -> None:
    report = figures(ClaimTable.of(claims(SyntheticRecording("", "vits", evidence(3.0)))))
    assert report["confidence_intervals"].keys() <= report.keys()
    assert set(report["confidence_intervals"].values()) == {None}


def test_a_detector_that_finds_synthetic_speech_makes_decisions_cheaper_than_the_speaker_alone_does() -> None:
    humans = [claim(Kind.TARGET, 8.0, 5.0), claim(Kind.NONTARGET, -8.0, 5.0)] * 5
    report = figures(ClaimTable.of([*humans, *[claim(Kind.SPOOF, 8.0, -9.0, "vits")] * 5]))
    assert report["a_dcf"] == report["min_a_dcf"] == report["published_min_a_dcf"] == 0.0
    assert report["speaker_alone_min_a_dcf"] == pytest.approx(0.001 * 250 / (0.979 * 5))
    assert report["speaker_alone_a_dcf"] == report["speaker_alone_min_a_dcf"]
    assert report["decisions"]["target"][Decision.ACCEPT] == 1.0
    assert report["per_system"]["vits"][Decision.ACCEPT] == 0.0


def test_a_step_up_of_the_speaker_counts_as_not_accepted() -> None:
    others = [claim(Kind.NONTARGET, -8.0, 5.0), claim(Kind.SPOOF, 8.0, -9.0, "vits")]
    report = figures(ClaimTable.of([*others, claim(Kind.TARGET, 8.0, 5.0), claim(Kind.TARGET, 1.0, 5.0)]))
    assert report["decisions"]["target"][Decision.STEP_UP] == 0.5
    assert report["a_dcf"] == pytest.approx(0.5)
    assert report["min_a_dcf"] == 0.0


def test_resampling_draws_whole_speakers_and_whole_systems() -> None:
    table = ClaimTable.of(claims(*(SyntheticRecording("", f"system {number}", evidence(3.0)) for number in range(5))))
    weights = table.resampled(np.random.default_rng(1)) / table.weights
    spoofs = weights[table.kinds == Kind.SPOOF].reshape(5, DRAWS)
    assert spoofs.sum() / DRAWS == 5
    assert np.ptp(spoofs, axis=1).max() == 0
    of_a = (table.kinds == Kind.TARGET) & (table.units[:, 0] == 1)
    assert np.all(weights[table.kinds == Kind.NONTARGET] == weights[of_a][0] * (2 - weights[of_a][0]))


@pytest.fixture
def spoofs(tmp_path: Path) -> Path:
    """Two readings with their phases thrown away, one of them of a reader who is enrolled, and a bona fide one."""
    rows = []
    for number, (label, speaker) in enumerate((("spoof", "train_grace"), ("spoof", ""), ("bonafide", ""))):
        (tmp_path / f"s{number}.wav").write_bytes(as_wav(robot() if label == "spoof" else reading()))
        rows.append({"path": f"s{number}.wav", "label": label, "system": "robot", "speaker": speaker})
    return write_manifest(tmp_path / "spoofs.csv", rows)


def robot() -> Waveform:
    frames = reading().samples[: 16000 * 5].reshape(-1, 400)
    return Waveform(np.fft.irfft(np.abs(np.fft.rfft(frames))).ravel().astype(np.float32), 16000)


def test_two_manifests_become_one_figure_for_the_whole_decision(
    monkeypatch: pytest.MonkeyPatch, manifest: Path, spoofs: Path, bundle: Path, tmp_path: Path
) -> None:
    names = {"manifest": manifest, "spoof": spoofs, "bundle": bundle, "out": tmp_path / "out.json"}
    arguments = [part for name, path in names.items() for part in (f"--{name}", str(path))]
    monkeypatch.setattr("sys.argv", ["evaluate", "--task", "tandem", "--condition", "telephone", *arguments])
    assert evaluate.main() == 0
    report = json.loads((tmp_path / "out.json").read_bytes())
    assert report["claims"] == {"target": 3, "nontarget": 12, "spoof": 2 + DRAWS}
    assert report["spoofs"]["against_their_speakers"] == {"recordings": 1, "claims": 2}
    assert report["spoofs"]["assumed_perfect_clones"] == {"recordings": 1, "claims": DRAWS}
    assert (report["bonafide_left_out"], report["skipped"]) == (1, {})
    assert 0.0 <= report["min_a_dcf"] <= report["a_dcf"] + 1e-12
    assert report["costs"]["target_prior"] == pytest.approx(0.979)


def test_says_which_claims_cannot_be_made(manifest: Path, tmp_path: Path) -> None:
    (tmp_path / "human.csv").write_text("path,label,system\ntrain_grace_1.wav,bonafide,\n")
    with pytest.raises(ManifestError, match=r"human\.csv: needs a spoofed recording"):
        tandem.evaluate((manifest, tmp_path / "human.csv"), tmp_path, "native", 1)
