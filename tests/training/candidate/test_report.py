"""The page of a run, from the files that its stages leave."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.candidate.report import failures, report

LINEAGE = {"run": "r1", "code": "c1", "lock": "l1", "data": "d1", "seeds": {"detector": 1}}
RESULTS = [
    {"gate": "size", "criterion": "bytes", "bound": 9, "found": 8, "interval": None, "passed": True, "cohort": None},
    {
        "gate": "parity",
        "criterion": "spoof.onnx",
        "bound": 0.05,
        "found": 0.0831,
        "interval": None,
        "passed": False,
        "cohort": None,
    },
]
FIGURES = {"eer": {"candidate": 0.125, "champion": 0.0625}}
VALIDATION = {
    "violations": [],
    "rows": 4,
    "speakers": 2,
    "hours": 0.1,
    "expectations": "1",
    "counts": [],
    "channels": {},
    "licenses": {"MIT": 4},
}
STATE = {"train": {"seconds": 61.0, "processor_seconds": 90.0, "finished": "2026-01-01T00:00:00+00:00"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    documents: dict[str, Any] = {
        "gates/gates.json": {"candidate": "aa", "champion": None, "passed": False, "results": RESULTS},
        "evaluation/evaluation.json": {
            "error": None,
            "sets": [{"task": "liveness", "cohort": None, "figures": FIGURES}],
        },
        "lineage/lineage.json": LINEAGE,
        "candidate/bundle/manifest.json": {"embedding_space": "space"},
        "validation/report.json": VALIDATION,
        "pipeline/state.json": STATE,
    }
    for name, content in documents.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "run").mkdir()
    (tmp_path / "run/curves.jsonl").write_text('{"step": 10, "loss": 0.5}\n{"step": 20, "loss": 0.4}\n')
    scores = np.random.default_rng(1).normal(0, 1, (3, 40)).astype(np.float32)
    scores[0] = np.arange(40) % 2
    np.savez(tmp_path / "evaluation/scores.npz", **{"liveness all": scores})  # type: ignore[arg-type]
    return tmp_path


def test_the_page_says_what_failed_what_was_measured_and_what_was_not(folder: Path) -> None:
    page = report(folder).read_text()
    assert "failed 1 of 2 criteria" in page
    assert '<tr class="marked"><td>parity: spoof.onnx</td>' in page
    assert "Not measured: too few recordings" in page
    assert "0.125 / 0.062" in page
    assert "20 of bona fide, 20 of synthetic" in page
    assert {each.name for each in (folder / "report").glob("*.png")} == {
        "curves.png",
        "scores-liveness.png",
        "det-liveness.png",
    }
    assert "1:30 of processor time" in page
    assert list(failures(folder)) == ["parity: spoof.onnx: 0.083, bound 0.050"]
