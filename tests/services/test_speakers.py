"""Speakers after enrolment."""

import base64
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.errors import Conflict, InvalidInput, NotFound
from bonafide.records.erasure import ErasureKind, ErasureRecord
from tests.services.parts import MORNING, World, speech
from tests.services.test_enrollment import once


@pytest.fixture
def world() -> World:
    world = World()
    world.put_domain()
    return world


def test_a_speaker_is_shown_without_anything_biometric(world: World) -> None:
    world.enroll(speech("ann"))
    shown = world.speakers.get("acme", "ann").model_dump(mode="json")
    assert shown["total_speech_seconds"] == 6
    assert shown["consent"]["receipt_id"] == "receipt"
    assert not {"voiceprint", "embedding", "templates", "applied"} & set(shown)


@pytest.mark.parametrize(
    "call",
    [
        lambda world, domain, speaker: world.speakers.get(domain, speaker),
        lambda world, domain, speaker: world.speakers.delete(domain, speaker),
    ],
)
def test_what_is_not_there_is_named(world: World, call: Callable[[World, str, str], object]) -> None:
    for domain, code in (("acme", "speaker_not_found"), ("other", "domain_not_found")):
        with pytest.raises(NotFound) as refusal:
            call(world, domain, "ann")
        assert refusal.value.code == code


def test_opting_out_erases_the_voiceprint_and_keeps_the_consent(world: World) -> None:
    world.enroll(speech("ann"))
    shown = world.speakers.opt_out("acme", "ann")
    assert (shown.status, shown.opted_out_at) == (SpeakerStatus.OPTED_OUT, MORNING)
    assert (shown.total_speech_seconds, shown.channels) == (0, [])
    assert shown.consent is not None
    record = world.store.find("acme", "ann")[1]
    assert record is not None
    assert record.voiceprint is None


def test_who_is_enrolled_misses_nothing_when_the_domain_asks_for_more_later(world: World) -> None:
    world.put_domain(minimum_enrolment_seconds=5)
    world.enroll(speech("ann"))
    world.put_domain(minimum_enrolment_seconds=60)
    shown = world.speakers.get("acme", "ann")
    assert (shown.status, shown.missing_speech_seconds) == (SpeakerStatus.ENROLLED, 0)


def test_who_is_enrolled_stays_so_when_more_speech_is_added_after_the_domain_asked_for_more(world: World) -> None:
    world.put_domain(minimum_enrolment_seconds=5)
    world.enroll(speech("ann"))
    world.put_domain(minimum_enrolment_seconds=60)
    answer = world.enroll(speech("ann", 5))
    assert (answer.status, answer.missing_speech_seconds) == (SpeakerStatus.ENROLLED, 0)


def test_who_misses_nothing_is_enrolled_when_the_domain_asks_for_less_later(world: World) -> None:
    world.enroll(speech("ann"))
    assert world.speakers.get("acme", "ann").status is SpeakerStatus.PENDING
    world.put_domain(minimum_enrolment_seconds=5)
    shown = world.speakers.get("acme", "ann")
    assert (shown.status, shown.missing_speech_seconds) == (SpeakerStatus.ENROLLED, 0)
    assert world.authenticate(speech("ann")).speaker is not None


def test_opting_out_again_changes_nothing(world: World) -> None:
    world.enroll(speech("ann"))
    first = world.speakers.opt_out("acme", "ann")
    assert world.speakers.opt_out("acme", "ann") == first


def test_opting_out_again_makes_consent_void_that_was_given_in_between(world: World) -> None:
    world.enroll(speech("ann"))
    world.speakers.opt_out("acme", "ann")
    given_at = world.now = MORNING + timedelta(hours=1)
    world.now += timedelta(hours=1)
    assert world.speakers.opt_out("acme", "ann").opted_out_at == world.now
    with pytest.raises(Conflict) as refusal:
        world.enroll(speech("ann"), given_at=given_at)
    assert refusal.value.code == "speaker_opted_out"


def test_an_opt_out_never_moves_back_to_a_clock_that_is_behind(world: World) -> None:
    world.enroll(speech("ann"))
    world.speakers.opt_out("acme", "ann")
    world.now -= timedelta(seconds=1)
    assert world.speakers.opt_out("acme", "ann").opted_out_at == MORNING


def test_an_opt_out_that_an_enrollment_overtakes_erases_that_too(world: World) -> None:
    world.enroll(speech("ann"))
    world.report = once("before", "put_speaker", lambda: world.enroll(speech("ann")))
    assert world.speakers.opt_out("acme", "ann").status is SpeakerStatus.OPTED_OUT
    assert world.speakers.get("acme", "ann").total_speech_seconds == 0


def test_who_was_never_enrolled_opts_out_until_consent_is_given_anew(world: World) -> None:
    shown = world.speakers.opt_out("acme", "ann")
    assert (shown.status, shown.opted_out_at, shown.consent) == (SpeakerStatus.OPTED_OUT, MORNING, None)
    assert world.speakers.get("acme", "ann") == shown
    for refused in (lambda: world.enroll(speech("ann")), lambda: world.authenticate(speech("ann"))):
        with pytest.raises(Conflict) as refusal:
            refused()
        assert refusal.value.code == "speaker_opted_out"
    world.now += timedelta(hours=1)
    assert world.enroll(speech("ann"), given_at=world.now).total_speech_seconds == 6


def test_of_who_opted_out_and_was_never_enrolled_only_name_and_time_are_stored(world: World) -> None:
    world.speakers.opt_out("acme", "ann")
    said = {"domain": "acme", "speaker": "ann", "status": "OPTED_OUT", "opted_out_at": MORNING.isoformat()}
    nothing: dict[str, Any] = {"consent": None, "applied": [], "history": [], "taken_back_at": None}
    made = {"schema": 1, "created_at": MORNING.isoformat(), "updated_at": MORNING.isoformat(), "version": 1}
    assert world.stored("ann").to_document() == {**said, **made, **nothing}


def test_a_deletion_forgets_the_opt_out_of_who_was_never_enrolled(world: World) -> None:
    world.speakers.opt_out("acme", "ann")
    world.speakers.delete("acme", "ann")
    assert world.enroll(speech("ann")).total_speech_seconds == 6


def test_nobody_opts_out_of_a_domain_that_is_not_there(world: World) -> None:
    with pytest.raises(NotFound) as refusal:
        world.speakers.opt_out("other", "ann")
    assert refusal.value.code == "domain_not_found"
    assert world.store.find("other", "ann") == (None, None)


def test_an_opt_out_of_who_is_unknown_refuses_the_enrollment_that_it_overtakes(world: World) -> None:
    world.report = once("before", "put_speaker", lambda: world.speakers.opt_out("acme", "ann"))
    with pytest.raises(Conflict) as refusal:
        world.enroll(speech("ann"))
    assert refusal.value.code == "speaker_opted_out"
    assert world.speakers.get("acme", "ann").status is SpeakerStatus.OPTED_OUT


def test_an_enrollment_that_overtakes_the_opt_out_of_who_is_unknown_is_erased(world: World) -> None:
    world.report = once("before", "put_speaker", lambda: world.enroll(speech("ann")))
    assert world.speakers.opt_out("acme", "ann").status is SpeakerStatus.OPTED_OUT
    assert world.stored("ann").voiceprint is None


def test_pages_lead_through_all_speakers_in_order(world: World) -> None:
    names = [f"s{n}" for n in range(7)]
    for name in reversed(names):
        world.enroll(speech("ann", 1), speaker=name)
    found: list[str] = []
    cursor: str | None = None
    while page := world.speakers.list("acme", cursor, 3):
        found += [speaker.speaker for speaker in page.speakers]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == names


@pytest.mark.parametrize(
    "cursor", ["", "!", "YQ", "é", "\ud800", base64.urlsafe_b64encode(b"../x").decode(), "/w==", "YWEK", "Lg=="]
)
def test_a_cursor_that_was_not_given_out_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        world.speakers.list("acme", cursor, 3)
    assert refusal.value.code == "cursor_invalid"


erasures = pytest.mark.parametrize(
    ("erase", "kind"),
    [
        (lambda world: world.speakers.opt_out("acme", "ann"), ErasureKind.OPTED_OUT),
        (lambda world: world.speakers.delete("acme", "ann"), ErasureKind.SPEAKER_DELETED),
    ],
)


@erasures
def test_an_erasure_is_on_record_before_it_happens(
    world: World, erase: Callable[[World], object], kind: ErasureKind
) -> None:
    world.enroll(speech("ann"))
    seen: list[dict[str, ErasureRecord]] = []

    def look(when: str, call: str) -> None:
        if when == "before" and call in {"put_speaker", "delete_speaker"}:
            seen.append(dict(world.audio.erasures))

    world.report = look
    erase(world)
    expected = ErasureRecord(kind, "acme", "ann", MORNING)
    assert seen == [{expected.name: expected}]
    assert ErasureRecord.from_document(expected.to_document()) == expected


@erasures
def test_an_erasure_of_who_is_missing_is_on_record_and_looks_again_for_who_was_put_back(
    world: World, erase: Callable[[World], object], kind: ErasureKind
) -> None:
    world.enroll(speech("ann"))
    found, ann = world.store.find("acme", "ann")
    assert found
    assert ann
    world.store.delete_speaker(ann)
    with suppress(NotFound):
        erase(world)
    expected = ErasureRecord(kind, "acme", "ann", MORNING)
    assert world.audio.erasures == {expected.name: expected}
    if record := world.store.find("acme", "ann")[1]:
        assert (kind, record.voiceprint) == (ErasureKind.OPTED_OUT, None)
        world.store.delete_speaker(record)
    # A restore that could not see the record yet.
    world.report = once("before", "record_erasure", lambda: world.store.put_speaker(found, ann))
    erase(world)
    left = world.store.find("acme", "ann")[1]
    assert left is None or left.voiceprint is None


def test_an_erasure_does_not_mean_who_was_made_anew_before_it_was_on_record(world: World) -> None:
    world.enroll(speech("ann"))

    def anew() -> None:
        World(store=world.store, audio=world.audio).speakers.delete("acme", "ann")
        World(store=world.store, audio=world.audio, now=MORNING + timedelta(hours=1)).enroll(speech("ann"))
        world.now += timedelta(hours=2)

    world.report = once("after", "find", anew)
    world.speakers.delete("acme", "ann")
    ann = world.store.find("acme", "ann")[1]
    assert ann
    assert world.audio.erasures["erasures/acme/ann/deleted"].at < ann.created_at
