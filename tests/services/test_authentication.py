"""What is answered to a call, and what is written before."""

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest

from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.scoring import Calibration
from bonafide.contracts.audio import AudioInput
from bonafide.contracts.authentications import decision_view
from bonafide.errors import AnswerOutdated, Conflict, InvalidInput, NotFound, StoreUnavailable
from tests.services.parts import MORNING, Chords, World, recording, sound, speech
from tests.services.test_enrollment import once


@pytest.fixture
def world() -> World:
    world = World()
    world.put_domain(minimum_enrolment_seconds=6)
    world.enroll(speech("ann", 8))
    return world


def test_the_enrolled_voice_is_accepted_and_another_is_not(world: World) -> None:
    assert world.authenticate(speech("ann", 8)).decision is Decision.ACCEPT
    assert world.authenticate(speech("bob", 8)).decision in {Decision.REJECT, Decision.STEP_UP}


def test_a_decision_says_what_it_rests_on(world: World) -> None:
    decision = world.authenticate(speech("ann", 8))
    assert decision.reasons[0] is Reason.VOICE_MATCH
    assert decision.speaker is not None
    assert decision.speaker.llr >= decision.speaker.threshold
    assert (decision.speech_seconds, decision.channel, decision.degraded) == (8, "wideband", [])
    assert (decision.domain, decision.claimed_speaker, decision.policy_version) == ("acme", "ann", 1)
    assert (decision.bundle, decision.decided_at) == (Chords.digest, MORNING)


def test_a_decision_says_how_human_the_voice_sounds(world: World) -> None:
    liveness = world.authenticate(speech("ann", 8)).liveness
    assert liveness is not None
    assert (liveness.llr, liveness.state) == (4.0, "bona_fide")
    assert liveness.llr > liveness.threshold


@pytest.mark.parametrize(("llr", "decision"), [(-4.0, Decision.STEP_UP), (-9.0, Decision.REJECT)])
def test_a_machine_with_the_enrolled_voice_is_not_accepted(world: World, llr: float, decision: Decision) -> None:
    world.models = Chords(liveness=llr)
    answer = world.authenticate(speech("ann", 8))
    assert (answer.decision, answer.reasons) == (decision, [Reason.VOICE_SYNTHETIC, Reason.VOICE_MATCH])
    assert answer.liveness is not None
    assert answer.liveness.state == "spoof"


def test_without_liveness_the_answer_is_at_best_step_up_and_says_what_was_missing(world: World) -> None:
    world.models = Chords(liveness=None)
    answer = world.authenticate(speech("ann", 8))
    assert (answer.decision, answer.degraded, answer.liveness) == (Decision.STEP_UP, ["liveness"], None)
    assert answer.reasons == [Reason.VOICE_MATCH, Reason.SIGNAL_MISSING]


def test_a_call_that_somebody_else_takes_over_or_takes_part_in_is_not_accepted(world: World) -> None:
    changed, several = [Reason.VOICE_CHANGED, Reason.SEVERAL_VOICES], [Reason.SEVERAL_VOICES]
    for turns, alerts in (("ann ann ann cid", changed), ("ann cid ann cid ann", several), ("ann ann", [])):
        call = np.concatenate([sound(who, 4) for who in turns.split()])
        answer = world.authenticate(recording(call))
        assert [reason for reason in answer.reasons if reason in changed] == alerts
        assert (answer.decision is Decision.ACCEPT) is (not alerts)


def test_wideband_voiceprints_meet_telephone_calls(world: World) -> None:
    decision = world.authenticate(speech("ann", 8, rate=8000))
    assert decision.channel == "narrowband"
    assert decision.speaker is not None


def test_without_speech_there_is_nothing_to_decide_on(world: World) -> None:
    decision = world.authenticate(recording(np.zeros(32000, np.float32)))
    assert (decision.decision, decision.reasons[0]) == (Decision.INCONCLUSIVE, Reason.NO_SPEECH)
    assert decision.speaker is None


def test_with_little_speech_nothing_is_decided_but_the_score_is_shown(world: World) -> None:
    decision = world.authenticate(speech("ann", 1))
    assert (decision.decision, decision.reasons[0]) == (Decision.INCONCLUSIVE, Reason.NOT_ENOUGH_SPEECH)
    assert decision.speaker is not None


def test_a_new_policy_applies_to_the_next_call(world: World) -> None:
    world.put_domain(minimum_enrolment_seconds=6, minimum_decision_seconds=10)
    decision = world.authenticate(speech("ann", 8))
    assert (decision.decision, decision.policy_version) == (Decision.INCONCLUSIVE, 2)


@pytest.mark.parametrize(
    ("arrange", "speaker", "code"),
    [
        (lambda world: world.domains.delete("acme", force=True), "ann", "domain_not_found"),
        (lambda world: None, "nobody", "speaker_not_found"),
        (lambda world: world.enroll(speech("bob", 5), speaker="bob"), "bob", "speaker_not_enrolled"),
        (lambda world: world.speakers.opt_out("acme", "ann"), "ann", "speaker_opted_out"),
        (lambda world: world.speakers.delete("acme", "ann"), "ann", "speaker_not_found"),
        (lambda world: setattr(world, "models", Chords("chords-2")), "ann", "voiceprint_outdated"),
    ],
)
def test_a_call_that_cannot_be_compared_is_refused_and_nothing_is_written(
    world: World, arrange: Callable[[World], object], speaker: str, code: str
) -> None:
    arrange(world)
    with pytest.raises((NotFound, Conflict)) as refusal:
        world.authenticate(speech("ann"), speaker=speaker)
    assert refusal.value.code == code
    assert world.decisions.documents == {}


def test_audio_that_cannot_be_read_is_refused_and_nothing_is_written(world: World) -> None:
    with pytest.raises(InvalidInput):
        world.authenticate(AudioInput(content="AAAA"))
    assert world.decisions.documents == {}


def test_a_decision_is_stored_as_it_is_answered(world: World) -> None:
    decision = world.authenticate(speech("ann"))
    stored = world.decisions.read("acme", decision.decision_id)
    assert stored is not None
    assert decision_view(stored) == decision


def test_a_stored_decision_holds_all_that_a_replay_needs_unrounded(world: World) -> None:
    decision = world.authenticate(speech("ann"))
    stored = world.decisions.read("acme", decision.decision_id)
    assert stored is not None
    assert stored.case.comparison is not None
    assert stored.judgement.speaker is not None
    assert stored.judgement.speaker.llr != round(stored.judgement.speaker.llr, 3)
    calibration = Calibration.parse(world.models.calibrations[0])
    assert stored.policy is not None
    assert judge(stored.case, stored.policy, calibration) == stored.judgement
    assert stored.calibration == calibration.digest
    assert stored.audio == hashlib.sha256(base64.b64decode(speech("ann").content or "")).hexdigest()
    assert stored.timings_ms.keys() == {
        "decode",
        "find_speech",
        "find_speaker",
        "find_replay",
        "embed",
        "search_watchlists",
        "score",
        "decide",
    }
    assert (stored.request_id, stored.principal) == ("request-1", "arn:aws:iam::123456789012:role/integrator")


def test_a_decision_that_cannot_be_stored_is_not_answered(world: World) -> None:
    def fail(when: str, call: str) -> None:
        if call == "append":
            raise StoreUnavailable

    world.report = fail
    with pytest.raises(StoreUnavailable):
        world.authenticate(speech("ann"))


def test_a_repeated_call_is_answered_with_the_stored_decision(world: World) -> None:
    first = world.authenticate(speech("ann"), key="call-1")
    world.now += timedelta(seconds=5)
    world.put_domain(minimum_enrolment_seconds=6, minimum_decision_seconds=10)
    assert world.authenticate(speech("ann"), key="call-1") == first
    assert len(world.decisions.documents) == 1


def test_a_decision_that_a_release_without_liveness_stored_is_answered_as_it_is(world: World) -> None:
    first = world.authenticate(speech("ann"), key="call-1")
    place = ("acme", first.decision_id)
    world.decisions.documents[place] = {
        name: value for name, value in world.decisions.documents[place].items() if name != "liveness"
    }
    assert world.authenticate(speech("ann"), key="call-1") == first.model_copy(update={"liveness": None})


def test_a_key_that_comes_back_with_other_audio_gets_a_decision_of_its_own(world: World) -> None:
    first = world.authenticate(speech("ann"), key="call-1")
    other = world.authenticate(speech("bob"), key="call-1")
    assert other.decision_id != first.decision_id
    assert other.decision is not Decision.ACCEPT


def test_calls_without_a_key_or_with_another_one_are_calls_of_their_own(world: World) -> None:
    for key in (None, None, "one", "two"):
        world.authenticate(speech("ann"), key=key)
    assert len(world.decisions.documents) == 4


def test_audio_of_calls_is_kept_only_where_the_domain_says_so(world: World) -> None:
    world.authenticate(speech("ann"))
    assert world.audio.objects == {}
    world.put_domain(keep_audio=True, minimum_enrolment_seconds=6)
    decision = world.authenticate(speech("ann"), key="one")
    world.authenticate(speech("ann"), key="one")
    assert list(world.audio.objects) == [f"kept/acme/ann/authentications/{decision.decision_id}"]
    world.speakers.opt_out("acme", "ann")
    assert world.audio.objects == {}


@pytest.mark.parametrize("leave", ["opt_out", "delete"])
def test_audio_of_a_call_is_not_kept_of_a_speaker_who_left_meanwhile(world: World, leave: str) -> None:
    world.put_domain(keep_audio=True, minimum_enrolment_seconds=6)
    world.report = once("before", "keep", lambda: getattr(world.speakers, leave)("acme", "ann"))
    world.authenticate(speech("ann"))
    assert world.audio.objects == {}


def test_audio_of_a_call_is_not_kept_in_a_domain_that_was_deleted_meanwhile(world: World) -> None:
    world.put_domain(keep_audio=True, minimum_enrolment_seconds=6)
    world.report = once("before", "keep", lambda: world.domains.delete("acme", force=True))
    world.authenticate(speech("ann"))
    assert world.audio.objects == {}


def test_a_key_that_was_used_before_an_opt_out_gives_no_decision_after_a_new_enrollment(world: World) -> None:
    world.put_domain(minimum_enrolment_seconds=6, keep_audio=True)
    world.enroll(speech("ann"))
    first = world.authenticate(speech("ann"), key="call-1")
    assert world.authenticate(speech("ann"), key="call-1") == first
    world.speakers.opt_out("acme", "ann")
    world.now += timedelta(hours=1)
    world.enroll(speech("ann"))
    kept = set(world.audio.objects)
    with pytest.raises(AnswerOutdated):
        world.authenticate(speech("ann"), key="call-1")
    assert set(world.audio.objects) == kept
    assert world.authenticate(speech("ann"), key="call-2").decision_id != first.decision_id


def test_a_key_that_was_used_in_a_domain_gives_no_decision_in_its_successor(world: World) -> None:
    world.enroll(speech("ann"))
    world.authenticate(speech("ann"), key="call-1")
    world.domains.delete("acme", force=True)
    world.now += timedelta(hours=1)
    world.put_domain(minimum_enrolment_seconds=6)
    world.enroll(speech("ann"))
    with pytest.raises(AnswerOutdated):
        world.authenticate(speech("ann"), key="call-1")
