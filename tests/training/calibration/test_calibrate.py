import json
from pathlib import Path

import numpy as np
import pytest

from bonafide.audio.telephone import NARROWBAND_RATE
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.scoring import Calibration, Comparison, Condition, Curve
from layers.model.build import CALIBRATION, embedding_space
from tests.hosted import HOSTED
from tests.readings import reading
from training.calibration.calibrate import CONFIGURATION, calibrate, chosen, recordings
from training.calibration.fit import CorpusTrials, fit, llrs
from training.calibration.material import CalibrationSettings
from training.corpus.lines import DrawRange, SimulatedLines
from training.corpus.manifest import Clip, ManifestError
from training.corpus.split import configuration

LINES = SimulatedLines(
    DrawRange(20, 250), DrawRange(3200, 3900), DrawRange(1, 2), DrawRange(-30, -20), DrawRange(20, 40), DrawRange(0, 2)
)


def corpus(seed: int, pairs: int = 1000) -> CorpusTrials:
    """Cosines of N(0.8, 0.1) and N(0.4, 0.1): perfect LLRs are 40 * (cosine - 0.6)."""
    generator = np.random.default_rng(seed)
    targets = np.arange(4000) % 2 == 0
    cosines = np.where(targets, 0.8, 0.4) + 0.1 * generator.standard_normal(4000)
    comparisons = [Comparison(Condition.NARROWBAND, float(cosine), 1e9, 1e9, "space") for cosine in cosines]
    return CorpusTrials(comparisons, targets, (pairs, pairs))


def test_finds_the_curve_that_made_the_scores() -> None:
    curve = fit([corpus(1, 10**6), corpus(2, 10**6)], 1.0)
    assert curve.slope == pytest.approx(40.0, rel=0.1)
    assert curve.level == pytest.approx(0.6, abs=0.01)


def test_claims_no_more_than_the_pairs_support() -> None:
    curve = fit([corpus(1, 100)], 1.0)
    assert [-curve.lowest, curve.highest] == pytest.approx([np.log(100)] * 2, abs=1e-3)
    assert max(llrs(curve, corpus(2).comparisons)) < np.log(100) + 1e-3


def test_few_pairs_make_a_flatter_curve() -> None:
    assert fit([corpus(1, 10)], 1.0).slope < fit([corpus(1, 10**6)], 1.0).slope


def test_learns_from_short_recordings_where_long_ones_favor_neither() -> None:
    truth = Curve(slope=40.0, level=0.6, half_seconds=2.0, lowest=-99.0, highest=99.0)
    generator = np.random.default_rng(5)
    targets = np.arange(4000) % 2 == 0
    seconds = generator.uniform(1, 20, 4000)
    neutral = [(truth.llr(1.0, 20.0, each) / -40.0) + 1.0 for each in seconds]
    cosines = neutral + np.where(targets, 0.1, -0.1) + 0.07 * generator.standard_normal(4000)
    comparisons = [
        Comparison(Condition.CROSS, float(cosine), 20.0, float(each), "space")
        for cosine, each in zip(cosines, seconds, strict=True)
    ]
    assert fit([CorpusTrials(comparisons, targets, (999, 999))], 2.0).level == pytest.approx(0.6, abs=0.01)


def test_refuses_a_row_that_is_not_for_training_by_its_name() -> None:
    rows = [
        Clip(Path("a.wav"), "a", "", {"path": "a.wav", "use": "train"}),
        Clip(Path("b.wav"), "b", "", {"path": "b.wav", "use": "eval"}),
    ]
    with pytest.raises(ManifestError, match=r"b\.wav"):
        chosen(rows, 8)


def test_spreads_its_choice_over_a_speakers_recordings() -> None:
    rows = [Clip(Path(str(index)), "a", "", {"path": str(index), "use": "train"}) for index in range(9)]
    assert [each.path.name for each in chosen(rows, 3)] == ["0", "4", "8"]


def test_a_line_makes_telephone_speech_and_only_chance_decides_which() -> None:
    one, same = (LINES.send(reading(), np.random.default_rng(1)) for _ in range(2))
    other = LINES.send(reading(), np.random.default_rng(2))
    assert one.rate == NARROWBAND_RATE
    assert one.seconds == pytest.approx(reading().seconds, abs=0.01)
    assert np.array_equal(one.samples, same.samples)
    assert not np.array_equal(one.samples, other.samples)


def test_a_line_keeps_silence_finite() -> None:
    assert np.isfinite(LINES.send(Waveform(np.zeros(16000, np.float32), 16000), np.random.default_rng(1)).samples).all()


@HOSTED
def test_the_same_inputs_give_the_same_bytes_and_their_lineage(manifest: Path, bundle: Path, tmp_path: Path) -> None:
    fewer = tmp_path / "few.yaml"
    fewer.write_text("settings: {calibrate: {crops_seconds: [], lines_per_recording: 1}}")
    conf = configuration(CONFIGURATION, fewer)
    clips = recordings(manifest, None)
    first, second = (json.dumps(calibrate(clips, bundle, conf), sort_keys=True) for _ in range(2))
    assert first == second
    document = json.loads(first)
    assert set(Calibration.parse(document).curves) == set(Condition)
    lineage = document["lineage"]
    assert (lineage["recordings"], lineage["speakers"]) == (6, 3)
    assert lineage["sources"] == [{"source": "readings", "licence": "Apache-2.0", "recordings": 6}]


def test_what_is_committed_is_of_the_space_that_the_bundle_has() -> None:
    assert json.loads((CALIBRATION / "calibration.json").read_bytes())["embedding_space"] == embedding_space()


def test_the_configuration_is_read_whole() -> None:
    settings = CalibrationSettings.of(configuration(CONFIGURATION))
    assert settings.measured.seconds <= min(settings.crops_seconds)
