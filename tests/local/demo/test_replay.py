"""Replays find decisions that come out otherwise."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bonafide.adapters.memory.decisions import MemoryDecisionStore
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.scoring import Calibration
from bonafide.records.decision import DecisionRecord
from local.demo.replay import ReplayCount, count, stored
from tests.decisions import DECIDED_AT, decision_record

KEPT_UNTIL = DECIDED_AT + timedelta(days=1)
CALIBRATION = Calibration.parse(
    json.loads((Path(__file__).parents[3] / "layers/model/calibration/calibration.json").read_text())
    | {"liveness": {"threshold": -1.5}}
)


def a_decision(**changes: object) -> DecisionRecord:
    record = decision_record(calibration=CALIBRATION.digest, **changes)
    assert record.policy is not None
    return replace(record, judgement=judge(record.case, record.policy, CALIBRATION))


def test_every_stored_decision_of_the_domains_is_replayed() -> None:
    store = MemoryDecisionStore(lambda: DECIDED_AT)
    for number in range(250):
        store.append(a_decision(decision_id=f"d-{number}", domain=("one", "two", "other")[number % 3]), KEPT_UNTIL)
    assert count(stored(store, ("one", "two")), [CALIBRATION]) == ReplayCount(decisions=167, equal=167)


DIFFERENT: dict[str, Callable[[DecisionRecord], DecisionRecord]] = {
    "another LLR": lambda record: replace(
        record,
        judgement=replace(record.judgement, speaker=replace(record.judgement.speaker, llr=1.0)),  # type: ignore[type-var]
    ),
    "another score": lambda record: replace(
        record,
        case=replace(record.case, comparison=replace(record.case.comparison, cosine=0.7187500000000001)),  # type: ignore[type-var]
    ),
    "another policy": lambda record: replace(record, policy=replace(record.policy, step_up_cost=2.0)),  # type: ignore[type-var]
    "another calibration": lambda record: replace(record, calibration="other"),
    "no policy": lambda record: replace(record, policy=None),
}


@pytest.mark.parametrize("change", DIFFERENT)
def test_a_decision_that_comes_out_otherwise_is_counted_as_such(change: str) -> None:
    record = DIFFERENT[change](a_decision())
    assert count([record, a_decision()], [CALIBRATION]) == ReplayCount(decisions=2, equal=1)
