"""Outcomes are stated from a file, each line once."""

from pathlib import Path
from typing import Any

import pytest

from bonafide_client import ProblemError
from ops.monitoring.outcomes import OutcomesError, read_outcomes, shown, state


class Stated:
    """A client that keeps what is stated, and knows no decision `gone`."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def state_outcome(self, domain: str, decision_id: str, **body: Any) -> None:
        if decision_id == "gone":
            raise ProblemError(404, {"code": "decision_not_found"})
        self.calls.append({"domain": domain, "decision_id": decision_id, **body})


def test_each_line_is_stated_under_a_key_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.csv"
    file.write_text(
        "decision_id,outcome,attack,known_at,source\n"
        "d1,genuine,,,\nd2,Fraud,Synthetic,2026-03-01T12:00:00Z,case-1\nd1,genuine,,,\ngone,unknown,,,\n"
    )
    client: Any = Stated()
    done = [state(client, "acme", name, body) for name, body in read_outcomes(file)]
    assert done == [True, True, True, False]
    first, second, again = client.calls
    assert first == again
    assert first["key"] != second.pop("key")
    assert second == {
        "domain": "acme",
        "decision_id": "d2",
        "label": "fraud",
        "attack": "synthetic",
        "known_at": "2026-03-01T12:00:00Z",
        "source": "case-1",
    }


@pytest.mark.parametrize("line", ["d1,maybe,", "d1,fraud,clone"])
def test_a_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "outcomes.csv"
    file.write_text(f"decision_id,outcome,attack\n{line}\n")
    with pytest.raises(OutcomesError, match=line.strip(",").split(",")[-1]):
        read_outcomes(file)


def test_rates_are_shown_with_their_counts_and_intervals() -> None:
    rate = {"name": "FMR", "rate": 0.05, "errors": 1, "total": 20, "low": 0.009, "high": 0.236}
    report = {"confidence": 0.95, "by_bundle_and_policy": [{"bundle": "a" * 64, "policy_version": 3, "rates": [rate]}]}
    assert "policy version 3" in shown(report)
    assert "5.0%  1 of 20, 95% interval 0.9% to 23.6%" in shown(report)
    assert "no outcome" in shown({"by_bundle_and_policy": []})
