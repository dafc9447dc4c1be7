"""Findings are written, read and shown as they were found."""

import json
from pathlib import Path

import pytest

from tests.test_architecture import ROOT
from training.gates.__main__ import main
from training.gates.criteria import GateCriteria
from training.gates.results import CandidateFindings, CriterionFinding, table
from training.gates.tables import markdown

FAILED = CriterionFinding("verification", "EER, above the champion's", 0.005, 0.031, False, "sex=F", (0.012, 0.05))
REPORT = CandidateFindings(
    "1", "c" * 64, "d" * 64, [CriterionFinding("size", "bytes of the bundle", 60e6, 46e6, True), FAILED]
)


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    REPORT.write(tmp_path / "gates.json")
    assert CandidateFindings.read(tmp_path / "gates.json") == REPORT
    assert json.loads((tmp_path / "gates.json").read_bytes())["passed"] is False


def test_a_failed_gate_says_criterion_cohort_bound_and_what_was_found() -> None:
    said = FAILED.line
    assert all(part in said for part in ("FAILED verification", "EER", "sex=F", "0.031", "0.005", "0.012"))
    assert table(REPORT).splitlines()[3].startswith("FAILED  verification")


def test_a_report_without_findings_has_not_passed() -> None:
    assert not CandidateFindings("1", "c", None, []).passed


def test_show_prints_the_table_and_names_what_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    REPORT.write(tmp_path / "gates.json")
    assert main(["show", str(tmp_path / "gates.json")]) == 0
    assert capsys.readouterr().out == table(REPORT)
    assert main(["show", str(tmp_path / "nothing.json")]) == 2
    assert "nothing.json" in capsys.readouterr().err


def test_the_table_of_criteria_in_the_docs_is_that_of_the_file() -> None:
    assert markdown(GateCriteria.read()) in (ROOT / "training/README.md").read_text(encoding="utf-8")
