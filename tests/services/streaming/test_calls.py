"""Calls of sessions: stored hashed at the start, weighed in each evaluation, counted once at the end."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.biometrics.risk.velocity import CallHistory, CallMark
from bonafide.contracts.events import parse
from bonafide.contracts.sessions import ClaimRequest, SessionEvaluation
from bonafide.errors import StoreUnavailable
from bonafide.records.session import GRACE
from bonafide.services.shared.risk.calls import READ_AGAIN, subject_of
from tests.streamed import DOMAIN, Deployment, Script

PHONE = "+12025550143"
FROM = {"caller_number": PHONE, "attestation": "A", "dialed_number": "+18005550100"}
CALL = Script("call", "grace", "grace", call=FROM)


def begun(*scripts: Script) -> Deployment:
    line = Deployment()
    line.start(*scripts)
    return line


def evaluation(line: Deployment, session: str = "call") -> SessionEvaluation:
    return line.calls.evaluate(DOMAIN, session)


def history(line: Deployment, speaker: str = "grace", session: str = "call") -> CallHistory:
    domain, record = line.domains.find(DOMAIN, speaker)
    started = line.sessions.session(DOMAIN, session)
    assert domain
    assert started
    assert started.call
    return line.counters.history(subject_of(domain, record, started.call), line.now)


def codes(found: SessionEvaluation) -> set[str]:
    return {each.code for each in found.call_risk.reasons} if found.call_risk else set()


def test_the_call_is_stored_hashed_with_the_session_and_weighed_to_the_end() -> None:
    line = begun(CALL, replace(CALL, session="again"))
    record = line.sessions.session(DOMAIN, "call")
    assert record
    assert "2025550143" not in json.dumps(record.to_document())
    assert "8005550100" not in json.dumps(record.to_document())
    for event in CALL.events[:2]:
        line.take(event)
        assert codes(evaluation(line)) == {"ATTESTATION_A"}
    assert history(line) == CallHistory(), "an evaluation counts nothing"
    for event in CALL.events[2:]:
        line.take(event)
    assert (evaluation(line).decision, line.final("call")["facts"]["risk"]["nats"]) == ("ACCEPT", -0.4)
    assert len(history(line).of_number.marks) == len(history(line).of_speaker.marks) == 1
    assert len(history(line).known) == 1
    for event in replace(CALL, session="again").events:
        line.take(event)
    assert codes(evaluation(line, "again")) == {"ATTESTATION_A", "NUMBER_KNOWN"}


@settings(max_examples=5, deadline=None)
@given(st.permutations(range(5)), st.lists(st.integers(0, 4), max_size=4))
def test_a_session_counts_once_whatever_is_repeated_in_whatever_order(
    order: Sequence[int], repeated: Sequence[int]
) -> None:
    line = begun(CALL)
    for number in (*order, *repeated):
        line.scoring.handle(parse(CALL.events[number]), line.now)
        evaluation(line)
    line.now += GRACE + timedelta(seconds=1)
    line.closing.close_overdue(lambda: 60.0)
    for _ in range(2):
        assert evaluation(line).decision_id
    assert len(history(line).of_number.marks) == 1


def test_an_evaluation_has_another_name_when_the_risk_changes_and_reads_now_and_then() -> None:
    line = begun(CALL, replace(CALL, session="other", claimed="atkins", caller="atkins"))
    judge = line.judge
    record = line.sessions.session(DOMAIN, "call")
    assert record
    names = []
    for wait in (timedelta(), timedelta(seconds=1), READ_AGAIN):
        line.now += wait
        part = judge.evaluate(record).session
        assert part
        names.append(part.evaluation_id)
        if not wait:
            for number in range(12):
                _count(line, number)
    assert names[0] == names[1] != names[2]


def _count(line: Deployment, number: int) -> None:
    domain, speaker = line.domains.find(DOMAIN, "grace")
    record = line.sessions.session(DOMAIN, "call")
    assert domain
    assert record
    assert record.call
    mark = CallMark(int(line.now.timestamp()), f"{number + 1:016x}")
    line.counters.count(subject_of(domain, speaker, record.call), mark, mark)


def test_a_claim_of_another_speaker_is_weighed_by_the_history_of_that_one() -> None:
    line = begun(CALL)
    for event in CALL.events:
        line.take(event)
    other = replace(CALL, session="other", claimed="atkins", caller="grace")
    line.start(other)
    line.calls.claim(DOMAIN, "other", ClaimRequest(speaker="grace"))
    line.take(other.chunk(0))
    assert "NUMBER_KNOWN" in codes(evaluation(line, "other"))
    line.calls.claim(DOMAIN, "other", ClaimRequest(speaker="atkins"))
    assert "NUMBER_KNOWN" not in codes(evaluation(line, "other"))


class Down:
    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any, **__: Any) -> None:
            raise StoreUnavailable

        return fail


def test_without_counters_a_session_is_decided_names_them_and_is_at_best_a_step_up() -> None:
    line = begun(CALL, Script("plain", "grace", "grace"))
    line.counters = Down()  # type: ignore[assignment]
    for script in (CALL, Script("plain", "grace", "grace")):
        for event in script.events:
            line.take(event)
    assert (line.final("call")["decision"], line.final("call")["degraded"]) == ("STEP_UP", ["call_risk"])
    assert (line.final("plain")["decision"], line.final("plain")["degraded"]) == ("ACCEPT", [])
