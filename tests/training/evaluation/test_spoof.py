from pathlib import Path

import numpy as np
import pytest

from bonafide.adapters.onnx import Bundle
from bonafide.audio.decode import decode
from bonafide.audio.waveform import Waveform
from tests.readings import reading
from tests.training.conftest import as_wav, write_manifest
from training.corpus.manifest import ManifestError, digest, read_manifest
from training.corpus.telephone import telephone
from training.evaluation.metrics import Trials
from training.evaluation.spoof import (
    COLUMNS,
    ScoredSpeech,
    apcer_at_bpcer,
    evaluate,
    figures,
    read_labeled,
    score,
    system,
)


def scored() -> ScoredSpeech:
    generator = np.random.default_rng(3)
    llr = np.concatenate([generator.normal(2, 1, 60), generator.normal(-2, 1, 30), generator.normal(2, 1, 30)])
    return ScoredSpeech(llr, np.arange(120) < 60, [""] * 60 + ["crude"] * 30 + ["perfect"] * 30)


def test_tells_systems_that_are_found_from_those_that_are_not() -> None:
    report = figures(scored(), (-1.0, 1.0))

    assert report["per_system"]["crude"]["eer"] < 0.1
    assert report["per_system"]["perfect"]["eer"] > 0.35
    assert report["apcer_at_bpcer_5pct_worst"] == report["per_system"]["perfect"]["apcer_at_bpcer_5pct"] > 0.8
    assert report["at_chance"] == ["perfect"]
    assert (report["bonafide"], report["spoofed"]) == (60, 60)


def test_encloses_every_rate_in_its_interval() -> None:
    report = figures(scored(), (-1.0, 1.0))

    for name, (low, high) in report["confidence_intervals"].items():
        assert low <= report[name] <= high


def test_counts_the_uncertain_between_the_thresholds_and_errors_beyond() -> None:
    three = ScoredSpeech(np.array([-2.0, 0.0, 2.0, -2.0, 0.0, 2.0]), np.arange(6) < 3, [""] * 3 + ["one"] * 3)

    report = figures(three, (-1.0, 1.0))

    assert (report["uncertain"], report["bpcer"], report["apcer"]) == pytest.approx((1 / 3, 1 / 3, 2 / 3))


def test_finds_the_share_of_spoofs_that_pass_when_few_of_the_genuine_are_refused() -> None:
    scores = np.concatenate([np.arange(100), [-1.0, 4.5, 50.0, 60.0]]).astype(np.float64)

    assert apcer_at_bpcer(Trials.of(scores, np.arange(104) < 100)) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,label\na.wav,bonafide\n", "no column system"),
        ("path,label,system\na.wav,bonafide,\n\na.wav,human,\n", "line 4 has the label 'human'"),
        ("path,label,system\na.wav\n", "line 2 has the label None"),
        ("path,label,system\na.wav,bonafide,\nb.wav,spoof,x\n", "line 3 names b.wav"),
        ("path,label,system\na.wav,bonafide,\n", "none that are spoof"),
        ("path,label,system\na.wav,spoof,x\n", "none that are bonafide"),
        ("path,label,system\n,spoof,x\n", "line 2 lacks a path"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_with_its_row(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "m.csv").write_text(content)

    with pytest.raises(ManifestError, match=message):
        evaluate(tmp_path / "m.csv", tmp_path, "native")


def test_a_spoofed_recording_need_not_name_its_system(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "m.csv").write_text("path,label,system\na.wav,spoof,\na.wav,spoof,vits\na.wav,bonafide,studio\n")

    assert [system(clip) for clip in read_labeled(tmp_path / "m.csv")] == ["unnamed", "vits", ""]


def test_reads_a_manifest_without_speakers(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "m.csv").write_text("path,label,system\na.wav,spoof,vits\n")

    assert [clip.speaker for clip in read_manifest(tmp_path / "m.csv", COLUMNS)] == [""]


@pytest.fixture
def labeled(tmp_path: Path) -> Path:
    """A reading, silence and a broken file by humans; two readings that pass for synthetic."""
    silence = Waveform(np.zeros(16000, np.float32), 16000)
    contents = [
        as_wav(reading(number=1)),
        as_wav(silence),
        b"RIFF",
        as_wav(reading(number=2)),
        as_wav(reading("train_dotrice")),
    ]
    rows = [
        {"path": f"{number}.wav", "label": "bonafide" if number < 3 else "spoof", "system": f"system {number}"}
        for number in range(5)
    ]
    for row, content in zip(rows, contents, strict=True):
        (tmp_path / row["path"]).write_bytes(content)
    return write_manifest(tmp_path / "labeled.csv", rows)


def test_what_is_scored_is_what_is_served_and_what_cannot_be_decoded_is_counted(labeled: Path, bundle: Path) -> None:
    found, models = score(labeled, bundle, "telephone"), Bundle.load(bundle)

    files = [labeled.parent / "0.wav", labeled.parent / "4.wav"]
    served = [models.observe(telephone(decode(file.read_bytes()))).liveness for file in files]
    assert [found.llr[0], found.llr[-1]] == served
    assert found.human.tolist() == [True, True, False, False]
    assert found.systems == ["", "", "system 3", "system 4"]
    assert found.refused == {"audio_malformed": 1}


def test_a_report_says_what_it_is_of(labeled: Path, bundle: Path) -> None:
    report = evaluate(labeled, bundle, "native")

    assert (report["task"], report["condition"], report["manifest"]) == ("spoof", "native", digest(labeled))
    assert (report["listed"], report["used"], report["skipped"]) == (5, 4, {"audio_malformed": 1})
    assert set(report["per_system"]) == {"system 3", "system 4"}
    assert report["bundle"] == Bundle.load(bundle).digest
