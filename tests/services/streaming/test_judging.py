"""When a call is decided, and that it is decided once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.contracts.events import parse, write
from bonafide.contracts.sessions import ClaimRequest, SessionEvaluation
from bonafide.errors import Conflict, NotFound
from bonafide.observability import measurements
from bonafide.records.domain import DomainState
from bonafide.records.session import GRACE, IDLE, LONGEST_SESSION
from bonafide.records.stream import EndRecord
from tests.services.parts import MORNING, Killed
from tests.streamed import DOMAIN, Deployment, Script, chunks, sent, voiceprint

CALL = Script("call", "grace", "grace")
SECOND = timedelta(seconds=1)


def begun(chunks_taken: int = 0, *, ended: bool = False, script: Script = CALL) -> Deployment:
    line = Deployment()
    line.start(script)
    for number in range(chunks_taken):
        line.scoring.handle(parse(script.chunk(number)), line.now)
    if ended:
        line.scoring.handle(parse(script.end), line.now)
    return line


def evaluation(line: Deployment, session: str = "call") -> SessionEvaluation:
    return line.calls.evaluate(DOMAIN, session)


def later(line: Deployment, wait: timedelta) -> int:
    """Looks for overdue calls after a while; returns how many became final."""
    line.now += wait
    return line.closing.close_overdue(lambda: 60.0)


def test_an_evaluation_writes_nothing_until_the_session_is_due_and_the_session_then_stays_open() -> None:
    line = begun()
    first = line.sessions.session(DOMAIN, "call")
    assert first
    for number in range(3):
        line.now += IDLE / 4
        line.scoring.handle(parse(CALL.chunk(number)), line.now)
        evaluation(line)
        assert line.sessions.session(DOMAIN, "call") == first
    assert later(line, IDLE / 2) == 0
    again = line.sessions.session(DOMAIN, "call")
    assert again
    assert (again.version, again.due_at > line.now) == (first.version + 1, True)


def test_not_enough_speech_turns_into_a_decision_as_soon_as_there_is_enough() -> None:
    line = begun()
    seen = []
    for number in range(4):
        line.scoring.handle(parse(CALL.chunk(number)), line.now)
        seen.append(evaluation(line))
    enough = [each.speech_seconds >= 3.0 for each in seen]
    assert enough[0] is False
    assert enough[-1] is True
    assert [each.decision == "INCONCLUSIVE" for each in seen] == [not each for each in enough]
    assert seen[0].reasons == ["NOT_ENOUGH_SPEECH"]
    assert (seen[-1].decision, seen[-1].status, seen[-1].decision_id) == ("ACCEPT", "OPEN", None)


def test_who_takes_a_session_over_is_noticed_although_the_whole_still_matches() -> None:
    line = begun(5, script=Script("call", "grace", "grace", number=9))
    mine, other = evaluation(line), chunks("atkins", 4)
    assert (mine.decision, mine.reasons) == ("ACCEPT", ["VOICE_MATCH"])
    for number, content in enumerate(other, start=5):
        line.scoring.handle(parse(sent("call", number, content)), line.now)
    found = evaluation(line)
    assert found.speaker
    assert found.speaker.llr > 0
    assert found.decision == "STEP_UP"
    assert found.reasons[-2:] == ["VOICE_CHANGED", "SEVERAL_VOICES"]
    line.scoring.handle(EndRecord(DOMAIN, "call", 9, line.now), line.now)
    assert line.final("call")["facts"]["alerts"] == ["VOICE_CHANGED", "SEVERAL_VOICES"]


def test_an_evaluation_keeps_its_name_until_something_changes() -> None:
    line = begun(2)
    first = evaluation(line)
    line.now += SECOND
    line.scoring.handle(parse(CALL.chunk(1)), line.now)
    assert evaluation(line).evaluation_id == first.evaluation_id
    line.scoring.handle(parse(CALL.end), line.now)
    assert evaluation(line).evaluation_id == first.evaluation_id
    later(line, GRACE)
    assert line.final("call")["evaluation_id"] == first.evaluation_id


def new_chunk(line: Deployment) -> None:
    line.scoring.handle(parse(CALL.chunk(2)), line.now)


def other_claim(line: Deployment) -> None:
    line.enroll("daws")
    line.calls.claim(DOMAIN, "call", ClaimRequest(speaker="daws"))


def fewer_chunks(line: Deployment) -> None:
    line.scoring.handle(EndRecord(DOMAIN, "call", 1, line.now), line.now)


def new_enrolment(line: Deployment) -> None:
    record = line.domains.find(DOMAIN, "grace")[1]
    assert record is not None
    line.write(record.next(line.now))


def new_policy(line: Deployment) -> None:
    record = line.domains.domain(DOMAIN)
    assert record is not None
    line.domains.put_domain(replace(record, policy_version=2, version=2))


@pytest.mark.parametrize("change", [new_chunk, fewer_chunks, other_claim, new_enrolment, new_policy])
def test_audio_speaker_voiceprint_and_policy_make_it_another_evaluation(change: Callable[[Deployment], None]) -> None:
    line = begun(2)
    first = evaluation(line)
    change(line)
    assert evaluation(line).evaluation_id != first.evaluation_id


def test_the_decision_is_final_with_the_last_chunk_and_stays_as_it_is() -> None:
    line = begun(4, ended=True)
    final = evaluation(line)
    assert (final.status, final.decision, final.chunks.expected) == ("FINAL", "ACCEPT", 4)
    new_enrolment(line)
    new_policy(line)
    line.now += timedelta(hours=1)
    assert evaluation(line) == final


def long_call(minutes: int) -> Deployment:
    """A call whose chunks of 4 s have all been scored."""
    line = begun()
    call, piece = line.sessions._sessions[DOMAIN, "call"], begun(1).rows("call")[0]
    spoken = replace(piece.chunk.evidence, speech_seconds=3.0)
    for number in range(minutes * 15):
        chunk = replace(piece.chunk, number=number, evidence=spoken)
        line.sessions.put_evidence(call, replace(piece, chunk=chunk))
    return line


@pytest.mark.parametrize("minutes", [5, 60])
def test_an_evaluation_reads_as_few_rows_of_a_long_call_as_of_a_short_one(minutes: int) -> None:
    line = long_call(minutes)
    read = line.sessions.evidence
    sizes: list[int] = []
    line.sessions.evidence = lambda session, marks: sizes.append(len(marks)) or read(session, marks)  # type: ignore[method-assign,func-returns-value]
    found = evaluation(line)
    line.scoring.handle(EndRecord(DOMAIN, "call", minutes * 15, line.now), line.now)
    assert sizes == [40, 40]
    assert (found.chunks.scored, found.chunks.used, found.speech_seconds) == (minutes * 15, 40, 120.0)
    assert line.final("call")["chunks"]["scored"] == minutes * 15


def test_a_decision_whose_time_is_over_is_not_made_anew() -> None:
    line = begun(4, ended=True)
    line.decisions.documents.clear()
    with pytest.raises(NotFound) as refusal:
        evaluation(line)
    assert refusal.value.code == "decision_expired"
    assert not line.decisions.documents


def test_a_decision_is_kept_as_long_as_the_domain_that_was_judged_by_says() -> None:
    line, reads = begun(3, ended=True), list[str]()
    line.report = lambda when, call: reads.append(call) if when == "before" else None
    line.scoring.handle(parse(CALL.chunk(3)), line.now)
    assert line.is_final("call")
    assert [call for call in reads if call in {"find", "find_with_brake", "domain"}] == ["find_with_brake"]


def test_without_a_missing_chunk_the_decision_comes_after_the_grace_period() -> None:
    line = begun(3, ended=True)
    assert later(line, GRACE - SECOND) == 0
    assert evaluation(line).status == "ENDED"
    assert later(line, SECOND) == 1
    final = evaluation(line)
    assert (final.status, final.chunks.scored, final.chunks.expected) == ("FINAL", 3, 4)


def test_a_call_whose_end_was_lost_is_decided_when_nothing_more_comes() -> None:
    line = begun(3)
    line.now += IDLE - SECOND
    line.scoring.handle(parse(CALL.chunk(3)), line.now)
    assert later(line, SECOND * 2) == 0
    assert later(line, IDLE) == 1
    assert (line.final("call")["status"], line.final("call")["chunks"]["expected"]) == ("FINAL", None)
    assert later(line, LONGEST_SESSION) == 0


def test_a_call_that_never_spoke_is_closed_too() -> None:
    line = begun()
    assert later(line, IDLE) == 1
    final = line.final("call")
    assert (final["decision"], final["reasons"], final["speech_seconds"]) == ("INCONCLUSIVE", ["NOT_ENOUGH_SPEECH"], 0)


def test_a_call_with_an_accepted_time_of_the_future_does_not_stay_open() -> None:
    line = begun()
    line.scoring.handle(parse(CALL.chunk(0)), MORNING + timedelta(days=400))
    assert later(line, LONGEST_SESSION + GRACE) == 1


def test_accepted_times_of_the_past_do_not_close_a_call_early() -> None:
    line = begun()
    line.scoring.handle(parse(CALL.chunk(0)), MORNING - timedelta(days=400))
    assert later(line, IDLE - SECOND) == 0


@pytest.mark.parametrize("counts", permutations((4, 5, 6)))
def test_of_counts_that_contradict_each_other_the_largest_counts_in_any_order(counts: tuple[int, ...]) -> None:
    line = begun(3)
    for count in (*counts, *counts[:2]):
        line.now += SECOND
        line.scoring.handle(EndRecord(DOMAIN, "call", count, line.now), line.now)
    # Five counts in as many seconds, and only the first one began the wait.
    assert later(line, GRACE - 5 * SECOND) == 0
    assert later(line, SECOND) == 1
    assert (line.final("call")["chunks"]["expected"], line.final("call")["chunks"]["scored"]) == (6, 3)


@pytest.mark.parametrize("count", [3, 4, 5])
def test_an_end_that_comes_when_the_call_is_final_is_counted_and_without_effect(
    count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    line = begun(3)
    later(line, IDLE)
    document = line.final("call")
    measurements.write()
    capsys.readouterr()
    entry, event = line.entry, write(EndRecord(DOMAIN, "call", count, line.now))
    assert entry({"Records": line.records([event])}) == {"batchItemFailures": []}
    assert (line.final("call"), line.failures.documents) == (document, {})
    assert line.sessions._sessions[DOMAIN, "call"].chunk_count is None
    assert '"EventsWithoutEffect":[1.0]' in capsys.readouterr().out.replace(" ", "")


def test_late_evidence_is_kept_and_counted_and_rewrites_nothing() -> None:
    line = begun(2, ended=True)
    later(line, GRACE)
    before, document = evaluation(line), line.final("call")
    for number in (2, 3, 3):
        line.scoring.handle(parse(CALL.chunk(number)), line.now)
    after = evaluation(line)
    assert (before.chunks.late, after.chunks.late) == (0, 2)
    assert after == before.model_copy(update={"chunks": after.chunks})
    assert line.final("call") == document
    assert len(line.rows("call")) == 4


def test_a_chunk_that_was_scored_while_the_decision_was_written_is_late() -> None:
    line, third = begun(2, ended=True), begun(3).rows("call")[2]
    record = line.sessions._sessions[DOMAIN, "call"]
    line.now += GRACE

    def report(when: str, call: str) -> None:
        if (when, call) == ("before", "append"):
            line.report = lambda when, call: None
            line.sessions.put_evidence(record, third)

    line.report = report
    line.closing.close_overdue(lambda: 60.0)
    assert (line.final("call")["chunks"]["scored"], evaluation(line).chunks.late) == (2, 1)


@pytest.mark.parametrize("place", ["marks", "put_session", "append"])
def test_of_finalizers_at_the_same_time_one_decides(place: str) -> None:
    line = begun(2, ended=True)
    line.now += GRACE
    together = threading.Barrier(2)
    line.report = lambda when, call: with_timeout(together) if (when, call) == ("before", place) else None
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda _: evaluation(line), range(2)))
    assert answers[0] == answers[1]
    assert answers[0].status == "FINAL"
    assert line.final("call")["decision_id"] == answers[0].decision_id


def with_timeout(barrier: threading.Barrier) -> None:
    try:
        barrier.wait(0.2)
    except threading.BrokenBarrierError:
        return


def killed_at(line: Deployment, when: str, call: str, place: int) -> None:
    seen = 0

    def report(now: str, what: str) -> None:
        nonlocal seen
        seen += (now, what) == (when, call)
        if (now, what) == (when, call) and seen == place:
            raise Killed

    line.report = report
    with pytest.raises(Killed):
        line.closing.close_overdue(lambda: 60.0)
    line.report = lambda when, call: None


@pytest.mark.parametrize("step", [("after", "put_session", 1), ("before", "append", 1), ("after", "append", 1)])
def test_a_call_that_was_being_decided_takes_no_other_claim_and_is_decided_by_whoever_looks_next(step: Any) -> None:
    line = begun(3, ended=True)
    line.now += GRACE
    killed_at(line, *step)
    with pytest.raises(Conflict) as refusal:
        line.calls.claim(DOMAIN, "call", ClaimRequest(speaker="daws"))
    assert refusal.value.code == "session_final"
    line.scoring.handle(parse(CALL.chunk(3)), line.now)
    assert line.is_final("call")
    assert line.final("call")["claimed_speaker"] == "grace"
    assert evaluation(line).status == "FINAL"


def test_a_claim_that_was_faster_than_the_decision_is_in_it() -> None:
    line = begun(4)
    line.enroll("daws")

    def report(when: str, call: str) -> None:
        if (when, call) == ("before", "put_session"):
            line.report = lambda when, call: None
            line.calls.claim(DOMAIN, "call", ClaimRequest(speaker="daws"))

    line.now += IDLE
    line.report = report
    line.closing.close_overdue(lambda: 60.0)
    assert line.is_final("call")
    assert line.final("call")["claimed_speaker"] == "daws"
    assert line.final("call")["decision"] != "ACCEPT"


def test_a_call_that_cannot_be_settled_does_not_keep_the_others_from_it() -> None:
    line = begun(1)
    line.now += SECOND
    line.start(Script("second", "atkins", "atkins", 3))
    line.now += IDLE * 2
    failing = 0

    def report(when: str, call: str) -> None:
        nonlocal failing
        failing += (when, call) == ("before", "marks")
        if failing == 1 and (when, call) == ("before", "marks"):
            raise ValueError("broken")

    line.report = report
    assert line.closing.close_overdue(lambda: 60.0) == 1
    assert (line.is_final("call"), line.is_final("second")) == (False, True)
    assert line.closing.close_overdue(lambda: 60.0) == 1


def closed_domain(line: Deployment, state: DomainState = DomainState.DELETING) -> None:
    record = line.domains.domain(DOMAIN)
    assert record is not None
    line.domains.put_domain(record.next(state=state))


def test_calls_of_a_deleted_domain_are_forgotten_and_hold_up_nobody() -> None:
    line = begun(1)
    closed_domain(line)
    line.now += IDLE * 2
    assert list(line.sessions.due(line.now)) == [(DOMAIN, "call")]
    assert line.closing.close_overdue(lambda: 60.0) == 0
    assert list(line.sessions.due(line.now)) == []
    assert line.sessions.session(DOMAIN, "call") is None


def test_calls_of_a_domain_that_may_open_again_wait() -> None:
    line = begun(1)
    closed_domain(line, state=DomainState.EMPTYING)
    line.now += IDLE * 2
    line.closing.close_overdue(lambda: 60.0)
    assert list(line.sessions.due(line.now)) == [(DOMAIN, "call")]


def test_closing_stops_while_there_is_time() -> None:
    line = begun(1)
    line.now += IDLE * 2
    assert line.closing.close_overdue(lambda: 1.0) == 0


@pytest.mark.parametrize(("claimed", "reason"), [(None, "SPEAKER_NOT_CLAIMED"), ("nobody", "SPEAKER_NOT_ENROLLED")])
def test_without_a_voiceprint_to_compare_with_nothing_is_decided(claimed: str | None, reason: str) -> None:
    line = begun(4)
    record = line.sessions._sessions[DOMAIN, "call"]
    line.sessions.put_session(replace(record, speaker=claimed, version=record.version + 1))
    found = evaluation(line)
    assert (found.decision, found.reasons, found.speaker) == ("INCONCLUSIVE", [reason], None)


def test_a_call_in_another_band_than_the_voiceprint_is_not_decided() -> None:
    line = begun(4)
    known = voiceprint("grace")
    wideband = Voiceprint(
        known.embedding_space, {Channel.WIDEBAND: known.templates[Channel.NARROWBAND]}, known.speech_seconds
    )
    record = line.domains.find(DOMAIN, "grace")[1]
    assert record is not None
    line.write(record.next(line.now, voiceprint=wideband))
    found = evaluation(line)
    assert (found.decision, found.reasons) == ("INCONCLUSIVE", ["CHANNEL_MISMATCH"])


def test_chunks_beyond_the_end_do_not_belong_to_the_call() -> None:
    line = begun(4)
    line.scoring.handle(parse(sent("call", 9, chunks("daws")[0])), line.now)
    line.scoring.handle(parse(CALL.end), line.now)
    chunk_counts = line.final("call")["chunks"]
    assert [chunk_counts[name] for name in ("expected", "scored", "used", "conflicting", "late")] == [4, 4, 4, 0, 0]
    assert evaluation(line).chunks.late == 0
