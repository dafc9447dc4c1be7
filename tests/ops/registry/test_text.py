"""The registry in words and columns."""

from bonafide.records.promotion import RegistryAction
from ops.registry import text
from ops.registry.verification import FileCheck

ONE, OTHER = "1" * 64, "2" * 64
RESULT = {"gate": "eer", "criterion": "EER is at most 0.05", "cohort": "telephone", "bound": 0.05, "found": 0.07}


def a_version(digest: str, eer: float, *, passed: bool) -> dict[str, object]:
    gates = {"gates_version": "1", "champion": None, "passed": passed, "results": [RESULT | {"passed": passed}]}
    lineage = {"calibration": {"seed": 1, "sources": []}, "code": "abc", "parent": None}
    return {
        "digest": digest,
        "status": "READY",
        "registered_at": "2026-01-02T03:04:05+00:00",
        "registered_by": "arn:aws:sts::1:assumed-role/engineers/ann",
        "gates_passed": passed,
        "bytes": 46_000_000,
        "manifest": {"embedding_space": "space", "metrics": {"wideband": {"eer": eer}}, "lineage": lineage},
        "files": [{"name": "speaker.onnx", "sha256": digest, "bytes": 28_000_000, "document": False}],
        "gates": gates,
    }


def test_a_comparison_shows_metrics_gates_calibration_and_files_side_by_side() -> None:
    shown = text.compared(a_version(ONE, 0.02, passed=True), a_version(OTHER, 0.015, passed=False))
    lines = [line.split() for line in shown.splitlines()]
    assert ["wideband.eer", "0.02", "0.015", "-0.005"] in lines
    assert ["eer", "telephone", "0.07", "0.07", "FAILED", "differs"] in lines
    assert ["seed", "1", "1"] in lines
    assert ["speaker.onnx", "111111111111", "28,000,000", "B", "222222222222", "28,000,000", "B", "differs"] in lines


def test_a_version_is_shown_with_its_lineage_and_the_gates_that_failed_first() -> None:
    shown = text.shown(a_version(ONE, 0.02, passed=False))
    assert "registered       2026-01-02 03:04 by assumed-role/engineers/ann" in shown
    assert "lineage code     abc" in shown
    assert "gates 1, without a champion: NOT PASSED" in shown
    assert "FAILED  eer   telephone  0.05   0.07" in shown


def test_the_history_says_who_did_what_and_why() -> None:
    entry = {
        "sequence": 12,
        "action": "PROMOTED",
        "at": "2026-01-02T03:04:05+00:00",
        "digest": OTHER,
        "reason": "all functions serve it",
        "principal": None,
        "former": ONE,
        "override": "mislabeled test set",
        "promotion": "11",
        "release": "r2",
    }
    assert text.history_line(entry).splitlines() == [
        "   12  2026-01-02 03:04  champion is 222222222222, was 111111111111",
        "       by unsigned request: all functions serve it",
        "       OVERRIDE: mislabeled test set",
        "       outcome of promotion 11, release r2",
    ]


def test_every_action_of_the_history_has_a_sentence() -> None:
    assert set(text.SENTENCES) == {str(action) for action in RegistryAction}


def test_a_check_names_a_file_that_is_tampered_missing_or_unknown() -> None:
    assert [str(FileCheck("a", *digests))[:9].strip() for digests in ((ONE, ONE), (ONE, OTHER), (ONE, None))] == [
        "ok",
        "TAMPERED",
        "MISSING",
    ]
    assert str(FileCheck("a", None, ONE)).startswith("UNKNOWN   a")
