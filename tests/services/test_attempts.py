"""Limits of failed attempts in authentications and sessions, and the claims of one session."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.presentation.attempts import Attempts, attempt_name
from bonafide.contracts.authentications import AuthenticationDecision, AuthenticationRequest
from bonafide.contracts.sessions import ClaimRequest, SessionEvaluation
from bonafide.errors import Conflict, InvalidInput, NotFound, StoreUnavailable
from bonafide.records.decision import DecisionRecord
from bonafide.records.domain import DomainRecord, Retention
from bonafide.services.authentication import AuthenticationRequested, AuthenticationService
from bonafide.services.shared.identifiers import speaker_counter
from bonafide.services.shared.ledger import AttemptCounter
from tests.decisions import decision_record
from tests.services.parts import ADMINISTRATOR, MORNING, World, context, speech
from tests.streamed import DOMAIN, Deployment, Script

WINDOW = timedelta(minutes=15)
# A rejection costs little, so that the chords of another are rejected.
SETTINGS: dict[str, Any] = {"minimum_enrolment_seconds": 6, "false_reject_cost": 1.5}


@pytest.fixture
def world() -> World:
    world = World()
    world.put_domain(**SETTINGS)
    for speaker in ("ann", "cam"):
        world.enroll(speech(speaker, 8), speaker=speaker)
    return world


def reject(world: World, times: int = 1, **call: Any) -> None:
    for _ in range(times):
        assert world.authenticate(speech("bob", 8), **call).decision is Decision.REJECT


def failures(world: World, counter: str = "speaker#ann") -> int:
    return len(world.store.attempts.attempts("acme", counter).failures)


def is_limited(answer: AuthenticationDecision | SessionEvaluation) -> bool:
    limited = Reason.TOO_MANY_FAILURES in answer.reasons
    assert not (limited and answer.decision is Decision.ACCEPT)
    return limited


def test_after_five_failures_a_match_is_stepped_up_until_fifteen_minutes_have_passed_without_one(world: World) -> None:
    reject(world, 4)
    assert world.authenticate(speech("ann", 8)).decision is Decision.ACCEPT
    reject(world)
    limited = world.authenticate(speech("ann", 8))
    assert (limited.decision, limited.reasons) == (Decision.STEP_UP, [Reason.TOO_MANY_FAILURES, Reason.VOICE_MATCH])
    world.now += WINDOW - timedelta(seconds=1)
    reject(world)
    world.now += WINDOW - timedelta(seconds=1)
    # The match that was stepped up did not prolong it, the failure did.
    assert is_limited(world.authenticate(speech("ann", 8)))
    world.now += timedelta(seconds=1)
    assert world.authenticate(speech("ann", 8)).decision is Decision.ACCEPT


def test_sixty_rejections_never_end_in_an_acceptance(world: World) -> None:
    reject(world, 60)
    assert is_limited(world.authenticate(speech("ann", 8)))
    # What no decision needs any more is not kept.
    assert failures(world) < 30


def test_another_speaker_is_not_limited_but_the_caller_is_at_whomever(world: World) -> None:
    reject(world, 5, caller="line-1")
    assert world.authenticate(speech("cam", 8), speaker="cam").decision is Decision.ACCEPT
    assert world.authenticate(speech("cam", 8), speaker="cam", caller="line-2").decision is Decision.ACCEPT
    assert is_limited(world.authenticate(speech("cam", 8), speaker="cam", caller="line-1"))


def test_of_a_caller_only_a_keyed_hash_is_stored(world: World) -> None:
    decision_id = world.authenticate(speech("bob", 8), caller="line-1").decision_id
    hashed = world.callers.hashed("acme", "line-1")
    stored = world.decisions.read("acme", decision_id)
    assert stored
    assert stored.caller == hashed
    assert "line-1" not in str(stored.to_document())
    assert failures(world, f"caller#{hashed}") == 1


def test_a_domain_that_does_not_exist_gets_no_secret_for_a_caller(world: World) -> None:
    request = AuthenticationRequest(audio=speech("bob", 8))
    parts = world.environment, world.models, world._recordings, world.decisions, world.attempts, world.callers
    service = AuthenticationService(*parts, world.book, world.replays, world.risks, lambda: world.now)
    asked = context(request, None)
    with pytest.raises(NotFound):
        service.authenticate(
            AuthenticationRequested("nowhere", "ann", request.audio.to_record(), None, asked, "line-1")
        )
    assert world.callers.known("nowhere", "line-1") is None


def test_a_repeated_request_is_counted_once(world: World) -> None:
    for _ in range(3):
        world.now += timedelta(seconds=1)
        reject(world, key="once", caller="line-1")
    assert failures(world) == 1


def test_requests_at_the_same_time_are_counted_once_each(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: world.authenticate(speech("bob", 8), key=f"key-{number % 8}"), range(16)))
    assert failures(world) == 8


def test_counters_that_cannot_be_read_are_a_missing_signal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    find: Any = type(world.store).find_with_brake

    def unread(*arguments: Any) -> Any:
        domain, *rest = find(*arguments)
        return replace(domain, attempts=None), *rest

    monkeypatch.setattr(type(world.store), "find_with_brake", unread)
    answer = world.authenticate(speech("ann", 8))
    assert (answer.decision, answer.degraded) == (Decision.STEP_UP, ["attempts"])
    reject(world)
    assert failures(world) == 1


def test_a_caller_whose_hash_cannot_be_made_is_a_missing_signal(world: World) -> None:
    class Down:
        def known(self, domain: str, caller: str) -> str:
            raise StoreUnavailable

        hashed = known

    world.callers = Down()
    answer = world.authenticate(speech("ann", 8), caller="line-1")
    assert (answer.decision, answer.degraded) == (Decision.STEP_UP, ["attempts"])
    assert world.authenticate(speech("ann", 8)).decision is Decision.ACCEPT


def test_a_failure_that_cannot_be_counted_is_not_answered(world: World) -> None:
    def down(when: str, call: str) -> None:
        if (when, call) == ("before", "count"):
            raise StoreUnavailable

    world.report = down
    with pytest.raises(StoreUnavailable):
        world.authenticate(speech("bob", 8), key="lost")
    world.report = lambda when, call: None
    reject(world, key="lost")
    assert failures(world) == 1


def test_an_administrator_resets_a_speaker_or_a_caller_and_the_reset_is_kept(world: World) -> None:
    reject(world, 5, caller="line-1")
    world.now += timedelta(minutes=1)
    assert world.resets.of_speaker("acme", "ann")[1].limited_until(policy(world)) == MORNING + WINDOW
    _, counter, kept = world.resets.reset("acme", "ann", None, "she called", ADMINISTRATOR)
    assert counter.counted() == []
    assert [(each.reason, each.reset_by, each.at) for each in kept] == [("she called", ADMINISTRATOR, world.now)]
    assert world.authenticate(speech("ann", 8)).decision is Decision.ACCEPT
    assert is_limited(world.authenticate(speech("ann", 8), caller="line-1"))
    world.resets.reset("acme", None, "line-1", "a call center", ADMINISTRATOR)
    assert world.authenticate(speech("ann", 8), caller="line-1").decision is Decision.ACCEPT
    with pytest.raises(NotFound):
        world.resets.reset("acme", "nobody", None, "why", ADMINISTRATOR)
    with pytest.raises(NotFound):
        world.resets.of_speaker("acme", "nobody")


def policy(world: World) -> Policy:
    domain = world.store.domain("acme")
    assert domain
    return domain.policy


def test_a_speaker_who_is_enrolled_anew_and_a_domain_that_is_made_anew_begin_without_failures(world: World) -> None:
    reject(world, 5, caller="line-1")
    world.speakers.delete("acme", "ann")
    assert failures(world) == 0
    reject_of_old = world.store.attempts.attempts("acme", speaker_counter("ann"))
    assert reject_of_old == Attempts()
    world.domains.delete("acme", force=True)
    assert world.store.attempts._counters == {}


def test_a_domain_without_a_limit_counts_nothing(world: World) -> None:
    world.put_domain(**SETTINGS, failure_limit=None)
    reject(world, 6)
    assert world.authenticate(speech("ann", 8)).decision is Decision.ACCEPT
    assert failures(world) == 0


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("failure_limit", 0),
        ("failure_limit", 11),
        ("failure_minutes", 14),
        ("failure_minutes", 1441),
        ("claim_limit", 0),
    ],
)
def test_limits_beyond_their_bounds_are_refused(world: World, setting: str, value: int) -> None:
    changed: dict[str, Any] = {setting: value}
    with pytest.raises((InvalidInput, ValueError), match=setting):
        world.put_domain(**changed)


def test_a_domain_of_an_earlier_release_goes_on_telling_scores_and_a_new_one_tells_coarse_ones(world: World) -> None:
    world.put_domain(minimum_enrolment_seconds=6)
    full = world.authenticate(speech("ann", 8)).speaker
    world.put_domain(minimum_enrolment_seconds=6, disclosure="coarse")
    coarse = world.authenticate(speech("ann", 8)).speaker
    world.put_domain(minimum_enrolment_seconds=6, disclosure="none")
    none = world.authenticate(speech("ann", 8))
    assert full
    assert coarse
    assert full.llr > coarse.llr == coarse.threshold == full.threshold
    assert (none.speaker, none.liveness, none.decision) == (None, None, Decision.ACCEPT)


# Sessions


def played(line: Deployment, name: str, caller: str, claimed: str = "grace", *, end: bool = False) -> SessionEvaluation:
    """Plays a whole call into a session that is left open, or ended; returns its evaluation."""
    script = Script(name, caller, claimed)
    line.start(script)
    for number in range(script.number):
        line.take(script.chunk(number))
    if end:
        line.take(script.end)
    return line.calls.evaluate(DOMAIN, name)


def counted(line: Deployment, speaker: str = "grace") -> list[str]:
    found = line.domains.attempts.attempts(DOMAIN, speaker_counter(speaker))
    return [each.attempt for each in found.counted()]


def test_a_session_that_is_polled_counts_once_and_limits_the_next_but_not_itself() -> None:
    line = Deployment()
    for number in range(5):
        for _ in range(3):
            answer = played(line, f"open-{number}", "daws") if _ == 0 else line.calls.evaluate(DOMAIN, f"open-{number}")
            assert answer.decision in {Decision.REJECT, Decision.STEP_UP}
            assert not is_limited(answer)
    assert len(counted(line)) == 5
    assert is_limited(played(line, "genuine", "grace"))
    final = played(line, "genuine-2", "grace", end=True)
    assert (final.status, final.decision) == ("FINAL", Decision.STEP_UP)
    assert is_limited(final)


def test_whoever_claims_another_speaker_leaves_the_failure_behind() -> None:
    line = Deployment()
    line.enroll("daws")
    failed = played(line, "call", "daws", "grace")
    assert failed.decision in {Decision.REJECT, Decision.STEP_UP}
    line.calls.claim(DOMAIN, "call", ClaimRequest(speaker="daws"))
    line.take(Script("call", "daws", "daws").end)
    assert line.calls.evaluate(DOMAIN, "call").decision is Decision.ACCEPT
    assert (len(counted(line)), len(counted(line, "daws"))) == (1, 0)


def test_an_evaluation_that_failed_is_taken_back_if_the_final_decision_did_not() -> None:
    line = Deployment()
    line.enroll("daws")
    script = Script("call", "daws", "grace")
    played(line, "call", "daws", "grace")
    line.calls.claim(DOMAIN, "call", ClaimRequest(speaker="daws"))
    line.calls.claim(DOMAIN, "call", ClaimRequest(speaker="grace"))
    assert len(counted(line)) == 1
    # The voiceprint was the wrong one: the same session now matches.
    record = line.domains.find(DOMAIN, "daws")[1]
    own = line.domains.find(DOMAIN, "grace")[1]
    assert record
    assert own
    line.write(own.next(line.now, voiceprint=record.voiceprint))
    line.take(script.end)
    assert line.calls.evaluate(DOMAIN, "call").decision is Decision.ACCEPT
    assert counted(line) == []


def test_forty_claims_in_one_session_do_not_find_the_speaker() -> None:
    line = Deployment()
    line.start(Script("call", "daws", "grace"))
    for number in range(2):
        line.calls.claim(DOMAIN, "call", ClaimRequest(speaker=f"speaker-{number}"))
    for number in range(2, 40):
        with pytest.raises(Conflict, match="too_many_claims"):
            line.calls.claim(DOMAIN, "call", ClaimRequest(speaker=f"speaker-{number}"))
    # One of those that were claimed may be claimed again.
    assert line.calls.claim(DOMAIN, "call", ClaimRequest(speaker="grace")).claimed_speaker == "grace"


# Any order, with duplicates

ATTEMPTS = 4
EVENTS = st.lists(st.tuples(st.sampled_from(["evaluated", "final"]), st.integers(0, ATTEMPTS - 1)), max_size=16)


@given(EVENTS, st.sets(st.integers(0, ATTEMPTS - 1)))
def test_each_attempt_counts_once_in_any_order_and_as_its_final_decision_says(
    events: list[tuple[str, int]], failing: set[int]
) -> None:
    """Every evaluation fails; those after the final decision are answered with it, as those of final sessions are."""
    store = MemoryDomainStore()
    store.put_domain(DomainRecord("acme", Policy(), Retention(), MORNING, MORNING, version=1))
    counter, done, polled = AttemptCounter(store.attempts), set[int](), set[int]()
    for number, (event, attempt) in enumerate(events):
        domain = store.find_with_brake("acme", "ann", ["speaker#ann"])[0]
        assert domain
        name = f"decision-{attempt}"
        made = decision_record(decision_id=name, decided_at=MORNING + timedelta(seconds=attempt))
        if event == "final" or attempt in done:
            done.add(attempt)
            counter.final(domain, a_failure(made) if attempt in failing else made, None)
        else:
            polled.add(attempt)
            counter.provisional(domain, a_failure(replace(made, decided_at=MORNING + timedelta(minutes=number))), name)
    expected = {attempt_name(f"decision-{each}", "ann") for each in (done & failing) | (polled - done)}
    assert {each.attempt for each in store.attempts.attempts("acme", "speaker#ann").counted()} == expected


def a_failure(record: DecisionRecord) -> DecisionRecord:
    judged = replace(record.judgement, decision=Decision.REJECT, reasons=(Reason.VOICE_MISMATCH,))
    return replace(record, judgement=judged)
