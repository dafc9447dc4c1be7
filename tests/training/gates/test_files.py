"""Files that are missing, unlisted, changed or not of this candidate are found by name."""

from pathlib import Path

import pytest

from tests.training.gates.small import small_bundle
from training.corpus.manifest import digest
from training.gates.__main__ import judge, main
from training.gates.criteria import DATA, GateCriteria, Submission
from training.gates.files import integrity
from training.gates.surgery import rewrite_manifest, write_rows


@pytest.fixture
def candidate(bundle: Path, tmp_path: Path) -> Path:
    folder = small_bundle(bundle, tmp_path / "candidate")
    rewrite_manifest(folder, {"lineage": {"data": write_rows(tmp_path, ["MIT"])}})
    return folder


def problems(candidate: Path, evaluated: str | None = None) -> list[str]:
    evaluation = {"candidate": evaluated or digest(candidate / "manifest.json"), "champion": None}
    submission = Submission(candidate, None, evaluation, candidate.parent, GateCriteria.read())
    return [f"{each.criterion}: {each.found}" for each in integrity(submission) if not each.passed]


def test_a_bundle_as_it_was_built_is_intact(candidate: Path) -> None:
    assert problems(candidate) == []


def test_every_wrong_file_is_named(candidate: Path) -> None:
    (candidate / "vad.onnx").unlink()
    (candidate / "speaker.onnx").write_bytes(b"another")
    (candidate / "more.bin").write_bytes(b"more")
    (candidate.parent / DATA).write_text("path,licence\n")
    found = "\n".join(problems(candidate))
    assert all(name in found for name in ("vad.onnx", "speaker.onnx", "more.bin", DATA))


def test_what_runs_nothing_is_judged_all_the_same(candidate: Path) -> None:
    """So that a table with a row that may not be used is refused by the license as well."""
    write_rows(candidate.parent, ["CC-BY-NC-4.0"])
    (candidate / "more.bin").write_bytes(bytes(90_000_000))
    submission = Submission(candidate, None, {}, candidate.parent, GateCriteria.read())
    assert judge(submission).failed_gates == ["integrity", "size", "licence"]


def test_an_evaluation_of_another_candidate_is_refused(candidate: Path) -> None:
    assert "evaluation.json" in problems(candidate, "0" * 64)[0]


@pytest.mark.parametrize("lineage", [None, "a run", ["a run"], 1])
def test_a_lineage_that_is_none_is_a_finding_and_ends_no_gate(candidate: Path, lineage: object) -> None:
    rewrite_manifest(candidate, {"lineage": lineage})
    (candidate / "more.bin").write_bytes(b"more")
    submission = Submission(candidate, None, {}, candidate.parent, GateCriteria.read())
    report = judge(submission)
    assert "the lineage is a JSON object" in {each.criterion for each in report.results if not each.passed}
    assert {each.gate for each in report.results} == {"integrity", "size", "licence"}


def test_a_card_of_the_detector_that_is_none_is_a_finding(candidate: Path) -> None:
    (candidate / "spoof.json").write_text("[]")
    report = judge(Submission(candidate, None, {}, candidate.parent, GateCriteria.read()))
    assert report.failed_gates == ["integrity"]
    assert "spoof.onnx is the graph that its card names" in {each.criterion for each in report.results}


def test_an_evaluation_that_is_none_is_told(candidate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluation = candidate.parent / "evaluation.json"
    evaluation.write_text("[]")
    given = [
        "--candidate",
        str(candidate),
        "--evaluation",
        str(evaluation),
        "--out",
        str(candidate.parent / "out.json"),
    ]
    assert main(given) == 2
    assert "is no JSON object" in capsys.readouterr().err


def test_a_manifest_that_is_none_is_a_finding(candidate: Path) -> None:
    (candidate / "manifest.json").write_text("[]")
    assert len(problems(candidate)) == 1
