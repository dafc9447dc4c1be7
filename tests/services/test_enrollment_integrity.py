"""Nobody is added to somebody else's voiceprint, and no recording counts twice."""

import base64
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
import pytest

from bonafide.audio.encoding import Encoding
from bonafide.biometrics.domain_calibration import ConditionEvidence, CurveCorrection, DomainCalibration
from bonafide.biometrics.enrollment import MINIMUM_LLR, SpeakerStatus, require_one_voice, require_same_voice
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.scoring import CalibratedRange, Condition, SpeakerScore
from bonafide.contracts.audio import AudioInput
from bonafide.errors import Conflict, UnsupportedAudio
from bonafide.http.problems import status_of
from bonafide.records.domain import DomainRecord
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.calibration_book import CalibrationBook, CalibrationInForce
from tests.audio.signals import pcm
from tests.services.parts import Chords, World, recording, sound, speech
from tests.services.test_enrollment import once


@pytest.fixture
def world() -> World:
    world = World()
    world.put_domain(keep_audio=True, minimum_enrolment_seconds=10)
    return world


def refused(world: World, audio: AudioInput, key: str | None = None) -> None:
    with pytest.raises(Conflict) as refusal:
        world.enroll(audio, key=key)
    error = refusal.value
    assert (status_of(error), error.code, error.subject) == (409, "enrollment_mismatch", "audio")
    assert (error.limit, error.found) == (None, None)


def state(world: World) -> tuple[SpeakerRecord, dict[str, bytes]]:
    return world.stored("ann"), dict(world.audio.objects)


@pytest.mark.parametrize("seconds", [6, 12])
def test_a_stranger_is_not_added_to_a_voiceprint_and_nothing_of_the_stranger_stays(world: World, seconds: int) -> None:
    answer = world.enroll(speech("ann", seconds))
    assert answer.status is (SpeakerStatus.ENROLLED if seconds > 10 else SpeakerStatus.PENDING)
    before = state(world)
    kept = []
    world.report = lambda when, call: kept.append(call) if call == "keep" else None
    for rate in (8000, 16000):
        refused(world, speech("bob", 8, rate))
    assert (state(world), kept) == (before, [])
    assert world.enroll(speech("ann", 8)).total_speech_seconds == seconds + 8


@pytest.mark.parametrize("begun", [False, True])
def test_a_recording_with_several_voices_is_refused_and_nothing_of_it_stays(world: World, *, begun: bool) -> None:
    if begun:
        world.enroll(speech("ann"))
    before, kept = world.store.find("acme", "ann")[1], dict(world.audio.objects)
    for turns in ("ann cid", "ann cid ann"):
        mixed = recording(np.concatenate([sound(who, 6) for who in turns.split()]))
        with pytest.raises(UnsupportedAudio) as refusal:
            world.enroll(mixed)
        assert (status_of(refusal.value), refusal.value.code) == (422, "several_voices")
    assert (world.store.find("acme", "ann")[1], world.audio.objects) == (before, kept)


@pytest.mark.parametrize(("share", "refused"), [(None, False), (1.0, False), (0.85, False), (0.84, True), (0.5, True)])
def test_too_small_a_share_of_the_dominant_voice_is_refused_with_limit_and_finding(
    share: float | None, *, refused: bool
) -> None:
    quality = Quality(-20.0, 0.0, 30.0, dominant_share=share)
    evidence = Evidence(8.0, Channel.WIDEBAND, {Channel.WIDEBAND: np.eye(8, dtype=np.float32)[0]}, quality, "space")
    if not refused:
        return require_one_voice(evidence)
    with pytest.raises(UnsupportedAudio) as refusal:
        require_one_voice(evidence)
    assert (refusal.value.code, refusal.value.limit, refusal.value.found) == ("several_voices", 0.85, share)
    return None


def test_an_enrollment_and_an_authentication_tell_the_share(world: World) -> None:
    assert world.enroll(speech("ann", 12)).quality.dominant_share == 1.0
    mixed = recording(np.concatenate([sound(who, 6) for who in ("ann", "cid", "ann")]))
    assert world.authenticate(mixed).quality.dominant_share == pytest.approx(2 / 3, abs=0.1)


@pytest.mark.parametrize("begun", [False, True])
def test_a_synthetic_contribution_is_refused_without_a_score_and_nothing_of_it_stays(
    world: World, *, begun: bool
) -> None:
    if begun:
        world.enroll(speech("ann"))
    before = world.store.find("acme", "ann"), dict(world.audio.objects), world.fingerprints.heard("acme", "ann", 9)
    world.models.liveness = -1.6
    with pytest.raises(UnsupportedAudio) as refusal:
        world.enroll(speech("ann", 8))
    error = refusal.value
    assert (status_of(error), error.code, error.subject) == (422, "audio_synthetic", "audio")
    assert (error.limit, error.found) == (None, None)
    after = world.store.find("acme", "ann"), dict(world.audio.objects), world.fingerprints.heard("acme", "ann", 9)
    assert after == before


@pytest.mark.parametrize(
    ("liveness", "policy", "told"),
    [
        (-1.6, {"synthetic_enrollment": "record"}, "spoof"),
        (-1.4, {}, "uncertain"),
        (4.0, {}, "bona_fide"),
        (None, {}, None),
        (4.0, {"disclosure": "none"}, None),
    ],
)
def test_liveness_of_what_is_added_is_answered_by_name_and_kept(
    world: World, liveness: float | None, policy: dict[str, Any], told: str | None
) -> None:
    world.put_domain(minimum_enrolment_seconds=10, **policy)
    world.models.liveness = liveness
    answer = world.enroll(speech("ann"))
    assert answer.liveness == told
    (entry,) = world.stored("ann").history
    assert (entry.name, entry.liveness, entry.counts) == (answer.enrollment_id, liveness, True)


def test_a_domain_that_never_said_what_becomes_of_synthetic_contributions_adds_them_until_it_does(
    world: World,
) -> None:
    domain = world.store.domain("acme")
    assert domain is not None
    document = domain.next().to_document()
    del document["policy"]["synthetic_enrollment"]
    world.store.put_domain(DomainRecord.from_document(document))
    world.models.liveness = -1.6
    assert world.enroll(speech("ann")).liveness == "spoof"
    # As a client of an earlier release writes it.
    world.put_domain(minimum_enrolment_seconds=11)
    assert world.enroll(speech("ann", 8)).liveness == "spoof"
    world.put_domain(minimum_enrolment_seconds=11, synthetic_enrollment="refuse")
    with pytest.raises(UnsupportedAudio):
        world.enroll(speech("ann", 7))


def test_a_refused_contribution_is_refused_again_under_its_key(world: World) -> None:
    world.enroll(speech("ann"))
    for _ in range(2):
        refused(world, speech("bob"), key="one")


def test_of_two_first_contributions_of_different_people_at_once_one_enters(world: World) -> None:
    world.report = once("before", "put_speaker", lambda: world.enroll(speech("bob", 8)))
    refused(world, speech("ann"))
    record, kept = state(world)
    assert (record.speech_seconds, len(record.applied), len(kept)) == (8, 1, 1)
    refused(world, speech("ann"))


def test_two_people_who_are_added_at_once_are_both_judged_against_what_is_stored(world: World) -> None:
    world.enroll(speech("ann"))
    world.report = once("before", "put_speaker", partial(refused, world, speech("bob")))
    assert world.enroll(speech("ann", 7)).total_speech_seconds == 13


def test_after_opting_out_somebody_else_may_begin_the_voiceprint(world: World) -> None:
    world.enroll(speech("ann"))
    world.speakers.opt_out("acme", "ann")
    world.now += timedelta(hours=1)
    assert world.enroll(speech("bob")).total_speech_seconds == 6


def test_a_stranger_is_refused_in_the_former_space_while_the_newest_is_not_complete(world: World) -> None:
    world.enroll(speech("ann", 12))
    world.models = Chords("chords-2", former=["chords-1"])
    refused(world, speech("bob", 12))
    world.enroll(speech("ann", 6))
    refused(world, speech("bob", 12))


def test_a_voiceprint_that_no_model_can_compare_is_begun_anew_and_then_compared(world: World) -> None:
    world.enroll(speech("ann", 12))
    world.models = Chords("chords-2")
    world.enroll(speech("ann", 6))
    refused(world, speech("bob", 6))


def test_contributions_are_judged_by_the_calibration_that_judges_calls(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.enroll(speech("ann"))
    of = CalibrationBook.of
    shifted = CurveCorrection(scale=0.5, shift=-8.0, lowest=-5.0, highest=5.0)

    def stricter(book: CalibrationBook, *which: object) -> CalibrationInForce:
        base = of(book, *which).calibration  # type: ignore[arg-type]
        behind = ConditionEvidence(speakers=60, genuine=60, impostor=60, cllr=0.1, global_cllr=0.2, min_cllr=0.1)
        parts = dict.fromkeys(base.curves, shifted), dict.fromkeys(base.curves, behind)
        own = DomainCalibration("acme", "d", base.digest, base.embedding_space, *parts, "f")
        return CalibrationInForce(own.of(base))

    monkeypatch.setattr(CalibrationBook, "of", stricter)
    refused(world, speech("ann", 7))


@pytest.mark.parametrize("condition", list(Condition))
def test_each_condition_has_a_bound_of_its_own(condition: Condition) -> None:
    least = SpeakerScore(MINIMUM_LLR[condition], 50.0, condition, 0.5, CalibratedRange(1.0, 1.0, -90.0, -90.0))
    require_same_voice(least)
    with pytest.raises(Conflict):
        require_same_voice(replace(least, llr=least.llr - 0.001))


def test_a_recording_counts_once_whatever_container_it_comes_in(world: World) -> None:
    assert not world.enroll(speech("ann", 6)).repeated
    before = state(world)
    samples = base64.b64encode(pcm(sound("ann", 6)).tobytes()).decode()
    bare = AudioInput(content=samples, encoding=Encoding.PCM_S16LE, sample_rate=16000)
    for audio in (speech("ann", 6), bare):
        answer = world.enroll(audio)
        assert (answer.repeated, answer.total_speech_seconds, answer.status) == (True, 6, SpeakerStatus.PENDING)
        assert answer.speech_seconds == 6
    assert state(world)[0].applied == before[0].applied
    assert state(world)[1] == before[1]
    assert not world.enroll(speech("ann", 6, level=0.21)).repeated


def test_a_repeated_recording_is_answered_alike_under_its_key_and_brings_its_consent(world: World) -> None:
    world.enroll(speech("ann"), key="one")
    newer = world.now - timedelta(seconds=1)
    answers = [world.enroll(speech("ann"), key="two", given_at=newer) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0].repeated
    consent = world.speakers.get("acme", "ann").consent
    assert consent is not None
    assert consent.given_at == newer
    assert not world.enroll(speech("ann"), key="one").repeated


def test_the_same_recording_at_once_counts_once(world: World) -> None:
    world.report = once("before", "put_speaker", lambda: world.enroll(speech("ann")))
    answer = world.enroll(speech("ann"))
    assert (answer.repeated, answer.total_speech_seconds) == (True, 6)
    assert len(world.audio.objects) == 1


def test_after_opting_out_the_same_recording_counts_again(world: World) -> None:
    world.enroll(speech("ann"))
    world.speakers.opt_out("acme", "ann")
    world.now += timedelta(hours=1)
    answer = world.enroll(speech("ann"))
    assert (answer.repeated, answer.total_speech_seconds) == (False, 6)


def test_a_recording_counts_once_in_each_embedding_space(world: World) -> None:
    world.enroll(speech("ann"))
    world.models = Chords("chords-2", former=["chords-1"])
    assert [world.enroll(speech("ann")).repeated for _ in range(2)] == [False, True]
    held = {each.embedding_space: each.speech_seconds for each in world.stored("ann").voiceprints}
    assert held == {"chords-1": 6, "chords-2": 6}
