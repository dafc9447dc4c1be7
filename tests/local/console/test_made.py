from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bonafide.biometrics.decision import Decision
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.policy import Policy
from local.console.made import BEFORE, CLONE, MadeCalls
from local.ledger.__main__ import newest_calibration

NOW = datetime(2026, 3, 2, 0, 5, tzinfo=UTC)
CALIBRATION = newest_calibration()
CALLS = list(MadeCalls("acme", "b" * 64, CALIBRATION, NOW).draw(500))


def test_a_week_of_calls_that_can_be_told_apart() -> None:
    assert len({record.decision_id for record, _ in CALLS}) == 500
    assert all(NOW - BEFORE <= record.decided_at <= NOW for record, _ in CALLS)
    decisions = Counter(record.judgement.decision for record, _ in CALLS)
    assert decisions.keys() == set(Decision)
    assert 0.8 < decisions[Decision.ACCEPT] / 500 < 0.97
    assert 100 < sum(outcome is not None for _, outcome in CALLS) < 250


def test_nobody_noticed_the_clone_that_was_accepted_yesterday_and_another_policy_would_have() -> None:
    (clone, outcome), *others = [call for call in CALLS if call[0].decision_id == CLONE]
    assert not others
    assert outcome is None
    assert clone.decided_at.date() == NOW.date() - timedelta(days=1)
    assert clone.judgement.decision is Decision.ACCEPT
    stricter = replace(Policy(), spoof_prior=0.01)
    assert judge(clone.case, stricter, CALIBRATION).decision is Decision.STEP_UP
