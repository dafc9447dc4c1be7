"""Reported outcomes become error rates of each bundle, with intervals that published tables confirm."""

from pathlib import Path
from typing import Any

import pytest

from ops.monitoring.error_rates import CallOutcome, ReportedOutcome, outcome_rates, wilson
from ops.monitoring.outcomes import OutcomesError, read_outcomes, shown


def decision(result: str, state: str | None = "bona_fide", bundle: str = "a" * 64) -> dict[str, Any]:
    return {"decision": result, "bundle": bundle, "liveness": {"state": state} if state else None}


def test_rates_are_counted_by_bundle_and_attack() -> None:
    decisions = {
        "g1": decision("ACCEPT"),
        "g2": decision("STEP_UP"),
        "g3": decision("INCONCLUSIVE"),
        "i1": decision("REJECT"),
        "i2": decision("ACCEPT", bundle="b" * 64),
        "s1": decision("STEP_UP", "spoof"),
        "s2": decision("STEP_UP", "uncertain"),
        "s3": decision("STEP_UP", None),
    }
    outcomes = [
        *(ReportedOutcome(name, CallOutcome.GENUINE) for name in ("g1", "g2", "g3", "gone")),
        *(ReportedOutcome(name, CallOutcome.FRAUD) for name in ("i1", "i2")),
        *(ReportedOutcome(name, CallOutcome.FRAUD, "clone") for name in ("s1", "s2", "s3")),
        ReportedOutcome("g1", CallOutcome.UNKNOWN),
    ]
    rates = outcome_rates(outcomes, decisions)
    counts = {bundle[0]: [(each.name, each.errors, each.total) for each in found] for bundle, found in rates.items()}
    assert counts == {"a": [("APCER clone", 1, 2), ("FMR", 0, 1), ("FNMR", 1, 2)], "b": [("FMR", 1, 1)]}
    assert "FNMR" in shown(rates)


@pytest.mark.parametrize(
    ("errors", "total", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_those_of_the_published_examples(errors: int, total: int, low: float, high: float) -> None:
    assert wilson(errors, total) == pytest.approx((low, high), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_last_line_on_a_decision_counts_and_wrong_files_are_named(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.csv"
    file.write_text("decision_id,outcome,attack\nd1,genuine,\nd2,Fraud,replay\nd1,fraud,\n")
    assert read_outcomes(file) == [
        ReportedOutcome("d1", CallOutcome.FRAUD),
        ReportedOutcome("d2", CallOutcome.FRAUD, "replay"),
    ]
    file.write_text("decision_id,outcome,attack\nd1,maybe,\n")
    with pytest.raises(OutcomesError, match="maybe"):
        read_outcomes(file)
