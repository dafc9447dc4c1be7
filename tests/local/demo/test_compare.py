"""Comparing two demo reports: equal within the tolerance, or each differing row is named."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.demo.compare import TOLERANCE, differences

type Row = dict[str, Any]


def row(**changes: Any) -> Row:
    liveness = {"llr": -2.5, "score": 7.6, "threshold": -1.4, "state": "spoof"}
    identity = {"domain": "demo-office", "action": "authentications", "kind": "genuine", "claimed": "ann"}
    answer = {"spoke": "ann", "machine": None, "status": 200, "outcome": "STEP_UP", "reasons": ["VOICE_MATCH"]}
    figures = {"llr": 4.25, "score": 93.0, "threshold": 0.0, "liveness": liveness, "milliseconds": 12.5, "held": True}
    return {**identity, **answer, **figures, **changes}


def found(before: list[Row], after: list[Row]) -> list[list[str]]:
    return [each for _, each in differences(before, after)]


def test_times_headings_and_small_steps_of_a_score_make_no_difference() -> None:
    after = row(milliseconds=99.0, kind="renamed", llr=4.25 + TOLERANCE / 2)
    after["liveness"] = {**after["liveness"], "llr": -2.5 - TOLERANCE / 2}
    assert found([row()], [after]) == [[]]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"outcome": "ACCEPT"}, "outcome STEP_UP -> ACCEPT"),
        ({"reasons": []}, "reasons ['VOICE_MATCH'] -> []"),
        ({"status": 422}, "status 200 -> 422"),
        ({"spoke": "bob"}, "spoke ann -> bob"),
        ({"llr": 4.26}, "speaker llr 4.25 -> 4.26"),
        ({"score": 94.0}, "speaker score 93.0 -> 94.0"),
        ({"threshold": 0.5}, "speaker threshold 0.0 -> 0.5"),
        ({"llr": None}, "speaker llr 4.25 -> None"),
    ],
)
def test_a_row_that_differs_is_named_with_both_values(changes: Row, wanted: str) -> None:
    ((label, each),) = differences([row()], [row(**changes)])
    assert label.startswith("row 1 (genuine, ann as ann")
    assert each == [wanted]


def test_liveness_that_moved_or_is_gone_is_a_difference() -> None:
    moved = row(liveness={"llr": -2.0, "score": 7.6, "threshold": -1.4, "state": "uncertain"})
    assert found([row()], [moved]) == [["liveness state spoof -> uncertain", "liveness llr -2.5 -> -2.0"]]
    assert len(found([row()], [row(liveness=None)])[0]) == 4


def test_a_row_without_its_like_is_a_difference() -> None:
    assert found([row()], [row(), row()]) == [[], ["only in the later report"]]
    assert found([row(), row()], [row()]) == [[], ["only in the earlier report"]]


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [(lambda _: None, 0, "equal: 2 rows"), (lambda rows: rows[1].update(outcome="REJECT"), 1, "1 of 2 rows differ")],
)
def test_the_command_exits_with_1_if_a_row_differs(
    change: Callable[[list[Row]], None], status: int, said: str, tmp_path: Path
) -> None:
    before = [row(), row()]
    after = copy.deepcopy(before)
    change(after)
    paths = [tmp_path / "before.json", tmp_path / "after.json"]
    for path, rows in zip(paths, (before, after), strict=True):
        path.write_text(json.dumps({"rows": rows}))
    command = [sys.executable, "-m", "local.demo.compare", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert done.stdout.splitlines()[-1] == said
