"""Voiceprints that nobody uses expire, and their speakers with them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.errors import NotFound
from bonafide.ports.stores import VersionConflict
from bonafide.records.erasure import ErasureKind
from bonafide.services.erasures import ErasureRuns, SpeakerErasing
from bonafide.services.privacy.expiry import PAGES_OF_A_RUN, VoiceprintExpiry
from tests.services.parts import World, speech

DAY = timedelta(days=1)


def expiry(world: World) -> VoiceprintExpiry:
    return VoiceprintExpiry(world.store, world._recordings, world.erasures, lambda: world.now)


def sweep(world: World) -> int:
    """A round through all speakers."""
    found = 0
    for _ in range(9):
        found += expiry(world).sweep(lambda: 60.0)
    return found


@pytest.fixture
def world() -> World:
    """A domain that asks for a use within 30 days, and two who were enrolled on the first day."""
    world = World()
    world.put_domain(voiceprint_days=30, minimum_enrolment_seconds=6)
    assert sweep(world) == 0
    for speaker in ("ann", "bob"):
        world.enroll(speech(speaker), speaker=speaker)
    return world


def test_who_was_not_heard_for_as_long_as_the_domain_says_is_as_one_who_was_never_enrolled(world: World) -> None:
    world.now += 20 * DAY
    world.authenticate(speech("ann", 5))
    world.now += 10 * DAY
    assert sweep(world) == 0
    world.now += DAY
    assert sweep(world) == 1
    with pytest.raises(NotFound) as refusal:
        world.authenticate(speech("bob", 5), speaker="bob")
    assert refusal.value.code == "speaker_not_found"
    world.authenticate(speech("ann", 5, level=0.21))
    (report,) = world.erasures.of_domain("acme", 9)
    assert (report.kind, report.speaker, report.of("speakers").erased) == (ErasureKind.EXPIRED, "bob", 1)
    # A restore leaves them out, too.
    assert world.audio.erasures["erasures/acme/bob/expired"].at == world.now
    world.now += 31 * DAY
    assert sweep(world) == 1


def test_a_use_is_noted_once_a_day_and_a_failed_attempt_is_none(world: World) -> None:
    noted: list[str] = []
    world.report = lambda when, call: noted.append(call) if (when, call) == ("before", "use") else None
    for level in (0.21, 0.22):
        world.authenticate(speech("ann", 5, level=level))
    world.authenticate(speech("cyd", 5))
    assert noted == ["use"]
    world.now += DAY
    world.authenticate(speech("ann", 5, level=0.23))
    assert noted == ["use"] * 2


def test_nobody_expires_before_uses_were_noted_for_as_long(world: World) -> None:
    world.erasures._place = None
    world.now += 60 * DAY
    assert sweep(world) == 0
    world.now += 29 * DAY
    assert sweep(world) == 0
    world.now += 2 * DAY
    assert sweep(world) == 2


def test_who_opted_out_stays_on_record(world: World) -> None:
    world.speakers.opt_out("acme", "ann")
    world.now += 40 * DAY
    assert sweep(world) == 1
    assert world.stored("ann").opted_out_at


def test_one_whose_key_is_gone_expires_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read = world.store.find_with_brake

    def without_keys(*asked: Any) -> Any:
        owner, known, brake = read(*asked)
        return owner, replace(known, voiceprint=None, status=SpeakerStatus.PENDING) if known else None, brake

    monkeypatch.setattr(world.store, "find_with_brake", without_keys)
    world.now += 31 * DAY
    assert sweep(world) == 2


def heard_again(world: World, how: str) -> None:
    world.now += timedelta(seconds=1)
    if how == "enrolled":
        world.enroll(speech("ann", level=0.22))
    else:
        world.authenticate(speech("ann", 5, level=0.22))


@pytest.mark.parametrize("how", ["enrolled", "used"])
def test_who_is_heard_again_while_the_expiry_begins_stays_and_expires_later(world: World, how: str) -> None:
    def interfere(when: str, call: str) -> None:
        if (when, call) == ("before", "delete_speaker"):
            world.report = lambda *_: None
            heard_again(world, how)
            raise VersionConflict

    world.now += 31 * DAY
    world.report = interfere
    assert VoiceprintExpiry(world._store, world._recordings, world.erasures, lambda: world.now).sweep(lambda: 60.0) == 1
    for _ in range(9):
        ErasureRuns(world.erasures, world.store, [SpeakerErasing(world.store)], lambda: world.now).go_on(lambda: 60.0)
        world.now += timedelta(minutes=1)
    assert world.stored("ann").voiceprint
    assert all(each.completed_at for each in world.erasures.of_domain("acme", 9))
    with pytest.raises(NotFound):
        world.speakers.get("acme", "bob")
    world.now += 31 * DAY
    assert sweep(world) == 1
    assert len(world.erasures.of_domain("acme", 9)) == 3


def test_the_search_goes_on_where_the_run_before_ended(world: World) -> None:
    for number in range(PAGES_OF_A_RUN + 2):
        world.put_domain(f"domain-{number:02d}", voiceprint_days=30)
    world.now += 40 * DAY
    assert [expiry(world).sweep(lambda: 60.0) for _ in range(3)] == [2, 0, 0]
    place = world.erasures.place()
    assert place
    assert place.domain is None
    assert expiry(world).sweep(lambda: 1.0) == 0
