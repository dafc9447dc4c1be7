"""Calls: weighed with the voice, counted once, known again, and never stored in clear text."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from math import exp
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.adapters.memory.callers import MemoryCallerHashes
from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.outcomes.labels import OutcomeLabel
from bonafide.biometrics.presentation.attempts import attempt_name
from bonafide.biometrics.risk.facts import CallFacts, CallReference
from bonafide.biometrics.risk.scorecard import SCORECARD
from bonafide.contracts.authentications import AuthenticationDecision, AuthenticationRequest
from bonafide.contracts.decisions import ledger_entry
from bonafide.contracts.outcomes.statements import OutcomeRequest
from bonafide.errors import StoreUnavailable
from bonafide.records.decision import DecisionRecord
from bonafide.services.outcomes import Outcomes
from bonafide.services.shared.risk import calls
from bonafide.services.shared.risk.calls import hashed_call, subject_of
from bonafide.services.shared.risk.outcomes import CallOutcomes
from tests.services.parts import World, context, recording
from tests.services.test_replays import Sounds, chatter

PHONE, OTHER = "+12025550143", "+12025550199"
FROM = {"caller_number": PHONE}
RISKY = {"verstat": "TN-Validation-Failed", "line_type": "non_fixed_voip"}


@pytest.fixture
def world() -> World:
    return a_world("ann", "bob", "cleo", "dan")


def a_world(*speakers: str) -> World:
    world = World(models=Sounds())
    world.put_domain(minimum_enrolment_seconds=6)
    for number, speaker in enumerate(speakers, 90):
        world.enroll(recording(chatter(number)), speaker=speaker)
    return world


def call(world: World, number: int, call: dict[str, Any] | None = None, **how: Any) -> AuthenticationDecision:
    """A genuine caller says something new."""
    return world.authenticate(recording(chatter(number, 4.0)), call=call, **how)


def require_nearly_all(world: World) -> None:
    """Sets a policy whose threshold is 1.5 nats below what the voices of these tests reach."""
    found = call(world, 99)
    assert found.speaker
    cost = 250.0 * exp(found.speaker.llr - found.speaker.threshold - 1.5)
    world.put_domain(minimum_enrolment_seconds=6, false_accept_cost=cost, spoof_accept_cost=250.0)


def codes(decision: AuthenticationDecision) -> set[str]:
    return {each.code for each in decision.call_risk.reasons} if decision.call_risk else set()


def stored(world: World, decision: AuthenticationDecision) -> DecisionRecord:
    found = world.decisions.read("acme", decision.decision_id)
    assert found
    return found


class Down:
    """A store of calls that does not answer."""

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any, **__: Any) -> None:
            raise StoreUnavailable

        return fail


def test_a_call_of_which_nothing_is_said_costs_nothing(world: World) -> None:
    world.calls = Down()  # type: ignore[assignment]
    for said in (None, {}, {"sip_headers": {"X-Own": "1"}}):
        decision = call(world, 1 + len(str(said)), said)
        assert (decision.decision, decision.degraded, decision.call_risk) == (Decision.ACCEPT, [], None)


def test_a_number_is_known_after_an_accepted_call_and_a_new_one_is_new(world: World) -> None:
    assert codes(call(world, 1, FROM)) == set()
    known = call(world, 2, FROM)
    assert codes(known) == {"NUMBER_KNOWN"}
    assert known.call_risk
    assert (known.call_risk.version, known.call_risk.nats) == ("expert-1", -1.2)
    assert codes(call(world, 3, {"caller_number": OTHER})) == {"NUMBER_NEW"}
    assert codes(call(world, 4, FROM, speaker="bob")) == set(), "it is nobody else's"


def test_a_risky_call_asks_for_another_proof_and_says_why(world: World) -> None:
    require_nearly_all(world)
    free, found = call(world, 1), call(world, 2, {**RISKY, **FROM, "dialed_number": PHONE})
    assert (free.decision, found.decision) == (Decision.ACCEPT, Decision.STEP_UP)
    assert found.reasons == [Reason.CALL_CONTEXT, Reason.VOICE_MATCH]
    assert codes(found) == {"VERSTAT_FAILED", "LINE_VOIP", "NUMBER_MIRRORED"}
    assert codes(call(world, 3, FROM)) == set(), "who was not accepted is not known"


def test_the_record_replays_to_the_same_judgement_and_has_no_number(world: World) -> None:
    call(world, 1, FROM)
    said = {**FROM, "attestation": "A", "device": "phone-1", "sip_headers": {"From": f"<sip:{PHONE}@x>"}}
    record = stored(world, call(world, 2, said))
    document = json.loads(json.dumps(record.to_document()))
    read = DecisionRecord.from_document(document)
    assert read == record
    assert read.policy
    calibration = world.book.base(world.models.embedding_space)
    assert judge(read.case, read.policy, calibration) == record.judgement
    assert document["facts"]["risk"] == {
        "version": "expert-1",
        "nats": -1.5,
        "reasons": [["NUMBER_KNOWN", -1.2], ["ATTESTATION_A", -0.4]],
    }
    assert PHONE[1:] not in json.dumps(document)
    assert record.call
    assert set(record.call.references) == {CallReference.NUMBER, CallReference.DEVICE}
    unlinked = record.unlinked()
    assert unlinked.call
    assert (unlinked.call.references, unlinked.case.risk) == ({}, record.case.risk)
    shown = ledger_entry(record).call_risk
    assert shown
    assert [(each.code, each.nats) for each in shown.reasons] == [("NUMBER_KNOWN", -1.2), ("ATTESTATION_A", -0.4)]


def test_nothing_that_is_logged_holds_a_number(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    call(world, 1, FROM)
    world.calls = Down()  # type: ignore[assignment]
    call(world, 2, FROM)
    assert caplog.records
    assert all("2025550143" not in str(record.__dict__) for record in caplog.records)
    stated = AuthenticationRequest.model_validate({"audio": {"content": ""}, "call": FROM}).stated_call()
    assert "2025550143" not in repr(stated)


@pytest.mark.parametrize(
    ("disclosure", "told"),
    [
        ("full", {"version": "expert-1", "nats": -1.2, "reasons": [{"code": "NUMBER_KNOWN", "nats": -1.2}]}),
        ("coarse", {"version": "expert-1", "nats": None, "reasons": [{"code": "NUMBER_KNOWN", "nats": None}]}),
        ("none", None),
    ],
)
def test_answers_tell_of_the_call_what_the_policy_discloses(
    world: World, disclosure: str, told: dict[str, Any] | None
) -> None:
    world.put_domain(minimum_enrolment_seconds=6, disclosure=disclosure)
    call(world, 1, FROM)
    assert call(world, 2, FROM).model_dump(mode="json").get("call_risk") == told


def test_a_number_that_claims_many_speakers_is_risky(world: World) -> None:
    for number, speaker in enumerate(("bob", "cleo", "dan")):
        call(world, number, FROM, speaker=speaker)
    assert codes(call(world, 9, FROM)) == {"NUMBER_SPEAKERS_HIGH"}
    world.now += timedelta(hours=25)
    assert codes(call(world, 10, FROM)) == {"NUMBER_KNOWN"}


def test_a_speaker_who_is_claimed_from_many_numbers_is_at_risk(world: World) -> None:
    for number in range(4):
        call(world, number, {"caller_number": f"+4420794600{number:02d}"})
    assert "SPEAKER_NUMBERS_HIGH" in codes(call(world, 9, FROM))
    assert codes(call(world, 10, FROM, speaker="bob")) == set()


def test_repeated_requests_count_once_also_at_the_same_time(world: World) -> None:
    audio = recording(chatter(5, 4.0))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: world.authenticate(audio, key="call-5", call=FROM), range(16)))
    assert len({each.decision_id for each in found}) == 1
    assert len(history(world).of_number.marks) == len(history(world).of_speaker.marks) == 1


@settings(max_examples=3, deadline=None)
@given(st.permutations([0, 0, 1, 1, 2]))
def test_whatever_the_order_of_duplicates_counters_are_exact(order: list[int]) -> None:
    world = a_world("ann")
    for number in order:
        call(world, number, FROM, key=f"call-{number}")
    assert len(history(world).of_number.marks) == 3


def history(world: World) -> Any:
    """What the store has of ann's number."""
    domain, speaker = world.store.find("acme", "ann")
    assert domain
    stated = AuthenticationRequest.model_validate({"audio": {"content": ""}, "call": FROM}).stated_call()
    facts = hashed_call(world.callers, "acme", stated)
    assert facts
    return world.calls.history(subject_of(domain, speaker, facts), world.now)


def test_without_counters_the_decision_comes_names_them_and_is_at_best_a_step_up(world: World) -> None:
    call(world, 1, FROM)
    world.calls = Down()  # type: ignore[assignment]
    found = call(world, 2, {**FROM, "attestation": "A"})
    assert (found.decision, found.degraded) == (Decision.STEP_UP, ["call_risk"])
    assert Reason.SIGNAL_MISSING in found.reasons
    assert codes(found) == {"ATTESTATION_A"}, "what needs no counter still counts"


def test_without_the_key_of_hashes_the_call_is_missing(world: World) -> None:
    class NoKey(MemoryCallerHashes):
        def hashed(self, domain: str, caller: str) -> str:
            raise StoreUnavailable

    world.callers = NoKey()
    found = call(world, 1, FROM)
    assert (found.decision, found.degraded) == (Decision.STEP_UP, ["call_risk"])
    assert stored(world, found).call == CallFacts(hashed=False)


def test_a_history_is_bounded_and_the_oldest_make_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MOST_KNOWN", 3)
    for number in range(5):
        world.now += timedelta(days=1)
        call(world, number, {"device": f"phone-{number}"})
    known = history(world).known
    assert len(known) == 3
    assert min(known.values()) == (world.now - timedelta(days=2)).date()


def test_what_is_known_is_forgotten_after_its_time(world: World) -> None:
    call(world, 1, FROM)
    world.now += timedelta(days=SCORECARD.known_days + 1)
    assert codes(call(world, 2, FROM)) == set()


def state(world: World, decision: AuthenticationDecision, label: OutcomeLabel) -> None:
    service = Outcomes(world.store, world.decisions, lambda: world.now, CallOutcomes(world.calls, world.store))
    request = OutcomeRequest(label=label)
    service.state("acme", decision.decision_id, request.to_record(), context(request, None))


def test_an_outcome_teaches_whence_a_speaker_calls_and_which_numbers_defraud(world: World) -> None:
    accepted = call(world, 1, {**FROM, "verstat": "TN-Validation-Passed"})
    world.now += timedelta(minutes=1)
    state(world, accepted, OutcomeLabel.FRAUD)
    assert codes(call(world, 2, FROM, speaker="bob")) == {"NUMBER_FRAUD"}
    assert "NUMBER_KNOWN" not in codes(call(world, 3, FROM))
    world.now += timedelta(minutes=1)
    state(world, accepted, OutcomeLabel.GENUINE)
    assert codes(call(world, 4, FROM)) == {"NUMBER_KNOWN"}
    world.now += timedelta(minutes=1)
    state(world, accepted, OutcomeLabel.UNKNOWN)
    assert not history(world).fraud


@pytest.mark.parametrize("forged", [{"attestation": "C"}, {"attestation": "A", "verstat": "TN-Validation-Failed"}])
def test_the_owner_of_a_number_is_not_charged_with_calls_that_forge_it(world: World, forged: dict[str, str]) -> None:
    call(world, 1, {**FROM, "attestation": "A"})
    before = history(world)
    world.now += timedelta(days=2)
    fraud = call(world, 2, {**FROM, **forged, "device": "phone-1"})
    assert [kind for kind, _ in history(world).known] == [CallReference.NUMBER, CallReference.DEVICE]
    world.now += timedelta(minutes=1)
    state(world, fraud, OutcomeLabel.FRAUD)
    found = history(world)
    assert (found.known, found.of_number.marks, found.fraud) == (before.known, frozenset(), False)
    assert len(found.of_speaker.marks) == 1, "it is one more call that claims the speaker"


def test_a_late_label_reports_the_number_for_as_long_as_any(world: World) -> None:
    accepted = call(world, 1, {**FROM, "verstat": "TN-Validation-Passed"})
    world.now += timedelta(days=31)
    state(world, accepted, OutcomeLabel.FRAUD)
    assert history(world).fraud
    world.now += timedelta(days=31)
    assert not history(world).fraud


def test_only_a_verified_number_is_reported_and_any_report_is_taken_back(world: World) -> None:
    unattested = call(world, 1, FROM)
    world.now += timedelta(minutes=1)
    state(world, unattested, OutcomeLabel.FRAUD)
    assert (history(world).fraud, history(world).known) == (False, {})
    subject = subject_of(world.store.find("acme", "ann")[0], None, stored(world, unattested).call)  # type: ignore[arg-type]
    world.calls.report(subject, attempt_name(unattested.decision_id), world.now, fraud=True)
    world.now += timedelta(minutes=1)
    state(world, unattested, OutcomeLabel.GENUINE)
    assert not history(world).fraud


def test_a_step_up_that_was_genuine_makes_the_number_known(world: World) -> None:
    require_nearly_all(world)
    doubted = call(world, 1, {**FROM, **RISKY})
    assert doubted.decision is Decision.STEP_UP
    world.now += timedelta(minutes=1)
    state(world, doubted, OutcomeLabel.GENUINE)
    assert "NUMBER_KNOWN" in codes(call(world, 2, FROM))


def test_nothing_is_learned_about_who_left(world: World) -> None:
    accepted = call(world, 1, FROM)
    world.now += timedelta(minutes=1)
    world.speakers.delete("acme", "ann")
    state(world, accepted, OutcomeLabel.GENUINE)
    world.enroll(recording(chatter(77)), speaker="ann")
    assert history(world).known == {}


def test_a_call_that_only_its_history_made_good_enough_does_not_prolong_it(world: World) -> None:
    """Voices near the threshold are accepted from a known number, and that alone makes no number known."""
    call(world, 1, FROM)
    record = stored(world, call(world, 2, FROM))
    domain, speaker = world.store.find("acme", "ann")
    assert domain
    reasons = (Reason.CALL_CONTEXT, Reason.VOICE_UNCERTAIN)
    helped = replace(
        record,
        decided_at=world.now + timedelta(days=3),
        judgement=replace(record.judgement, reasons=reasons),
    )
    world.risks.count(domain, speaker, helped, {})
    assert max(history(world).known.values()) == world.now.date()
