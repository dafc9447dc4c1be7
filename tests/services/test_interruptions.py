"""A function may be killed at any moment. Whoever repeats the request then finds one effect, whole."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from bonafide.contracts.domains import DomainSettings
from bonafide.errors import Conflict, NotFound
from tests.services.parts import Fate, Killed, World, speech


def a_world() -> World:
    world = World()
    world.put_domain(keep_audio=True, minimum_enrolment_seconds=6)
    world.put_domain("empty")
    world.enroll(speech("ann", 12), key="before")
    return world


REQUESTS: dict[str, Callable[[World], object]] = {
    "create a domain": lambda world: world.domains.put("other", DomainSettings()),
    "change a domain": lambda world: world.put_domain(impostor_prior=0.2),
    "delete a domain by force": lambda world: world.domains.delete("acme", force=True),
    "delete an empty domain": lambda world: world.domains.delete("empty", force=False),
    "delete a domain that has speakers": lambda world: world.domains.delete("acme", force=False),
    "enroll": lambda world: world.enroll(speech("ann", 5), key="key"),
    "enroll somebody new": lambda world: world.enroll(speech("bob", 5), speaker="bob", key="key"),
    "authenticate": lambda world: world.authenticate(speech("ann", 5), key="key"),
    "opt out": lambda world: world.speakers.opt_out("acme", "ann"),
    "opt out who was never enrolled": lambda world: world.speakers.opt_out("acme", "bob"),
    "delete a speaker": lambda world: world.speakers.delete("acme", "ann"),
}


def state(world: World) -> dict[str, Any]:
    """Everything that is stored, without the number of writes that it took."""
    domains = {name: (record.policy, record.state) for name, record in world.store._domains.items()}
    speakers = {
        key: (record.status, record.applied, record.voiceprint and record.voiceprint.to_bytes(), record.opted_out_at)
        for key, record in world.store._speakers.items()
    }
    decisions = {key: {**value, "latency_ms": 0, "timings_ms": {}} for key, value in world.decisions.documents.items()}
    return {"domains": domains, "speakers": speakers, "decisions": decisions, "audio": world.audio.objects}


def send(world: World, request: Callable[[World], object], fate: Callable[[str, str], None]) -> None:
    world.report = fate
    with suppress(NotFound, Conflict):
        request(world)


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_request_that_was_cut_off_anywhere_and_repeated_has_one_whole_effect(request_: str) -> None:
    undisturbed, counted = a_world(), Fate(0, "")
    send(undisturbed, REQUESTS[request_], counted)
    assert counted.writes or request_ == "delete a domain that has speakers"
    for at in range(1, counted.writes + 1):
        for when in ("before", "after"):
            world = a_world()
            with pytest.raises(Killed):
                send(world, REQUESTS[request_], Fate(at, when))
            send(world, REQUESTS[request_], Fate(0, ""))
            assert state(world) == state(undisturbed), f"killed {when} write {at}"


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_answer_to_a_repeated_request_is_the_one_that_was_lost(when: str) -> None:
    answers: list[Any] = []
    for fate in (Fate(0, ""), Fate(2, when)):
        world = a_world()
        world.report = fate
        with suppress(Killed):
            world.authenticate(speech("ann", 5), key="key")
        world.report = Fate(0, "")
        answers.append(world.authenticate(speech("ann", 5), key="key").model_copy(update={"latency_ms": 0}))
    assert answers[0] == answers[1]


def test_an_enrollment_that_was_cut_off_does_not_reach_the_voiceprint_by_half() -> None:
    before = state(a_world())["speakers"]
    world = a_world()
    with pytest.raises(Killed):
        send(world, REQUESTS["enroll"], Fate(2, "before"))
    assert state(world)["speakers"] == before


def test_a_refused_enrollment_that_was_cut_off_anywhere_and_repeated_leaves_no_audio() -> None:
    for when in ("before", "after"):
        for at in (1, 2):
            world = a_world()
            fate = Fate(at, when)

            def report(moment: str, call: str, world: World = world, fate: Fate = fate) -> None:
                if (moment, call) == ("before", "keep"):
                    World(store=world.store, audio=world.audio, now=world.now).speakers.opt_out("acme", "ann")
                fate(moment, call)

            with pytest.raises(Killed):
                send(world, REQUESTS["enroll"], report)
            send(world, REQUESTS["enroll"], Fate(0, ""))
            assert world.audio.objects == {}, f"killed {when} write {at}"


ERASURES: dict[str, Callable[[World], object]] = {
    "delete the speaker": lambda world: world.speakers.delete("acme", "bob"),
    "opt out": lambda world: world.speakers.opt_out("acme", "bob"),
    "delete the domain by force": lambda world: world.domains.delete("acme", force=True),
    "delete the empty domain": lambda world: world.domains.delete("acme", force=False),
}


@pytest.mark.parametrize("erasure", ERASURES)
@pytest.mark.parametrize("known", [False, True])
def test_audio_of_an_enrollment_that_was_never_repeated_is_erased_with_its_owner(erasure: str, known: bool) -> None:
    world = World()
    world.put_domain(keep_audio=True)
    if known:
        world.enroll(speech("bob", 5), speaker="bob", key="before")
    with pytest.raises(Killed):
        send(world, REQUESTS["enroll somebody new"], Fate(1, "after"))
    assert world.audio.objects
    world.report = Fate(0, "")
    if known and erasure == "delete the empty domain":
        bob = world.store.find("acme", "bob")[1]
        assert bob
        world.store.delete_speaker(bob)
    with suppress(NotFound):
        ERASURES[erasure](world)
    assert world.audio.objects == {}


def a_domain_that_was_left_closed() -> World:
    """An unforced deletion closed an empty domain, found that a speaker had come in meanwhile, and was killed."""
    world = World()
    world.put_domain(keep_audio=True)
    fate = Fate(2, "after")  # the second write, after the enrolment's own, closes the domain

    def report(when: str, call: str) -> None:
        if (when, call, fate.writes) == ("before", "put_domain", 0):
            fate.writes = 1
            World(store=world.store, audio=world.audio).enroll(speech("ann"))
        fate(when, call)

    with pytest.raises(Killed):
        send(world, lambda world: world.domains.delete("acme", force=False), report)
    assert not getattr(world.store.domain("acme"), "is_open", True)
    world.report = Fate(0, "")
    return world


def test_settings_open_a_domain_that_a_deletion_left_closed_when_it_was_killed() -> None:
    world = a_domain_that_was_left_closed()
    world.put_domain(keep_audio=True)
    assert world.enroll(speech("ann", level=0.21)).total_speech_seconds == 12
    assert len(world.audio.objects) == 2


def test_a_deletion_that_is_repeated_opens_the_domain_that_it_left_closed_and_has_speakers() -> None:
    world = a_domain_that_was_left_closed()
    with pytest.raises(Conflict) as refusal:
        world.domains.delete("acme", force=False)
    assert refusal.value.code == "domain_not_empty"
    assert world.speakers.get("acme", "ann").total_speech_seconds == 6


def test_a_deletion_by_force_goes_on_where_another_left_the_domain_closed() -> None:
    world = a_domain_that_was_left_closed()
    world.domains.delete("acme", force=True)
    assert (world.store.find("acme", "ann"), world.audio.objects) == ((None, None), {})


@pytest.mark.parametrize("force", [False, True])
def test_a_domain_of_which_a_part_is_gone_is_deleted_by_any_deletion_and_opened_by_none(force: bool) -> None:
    world = a_world()
    world.enroll(speech("bob", 5), speaker="bob")
    with pytest.raises(Killed):
        send(world, REQUESTS["delete a domain by force"], Fate(2, "after"))
    world.report = Fate(0, "")
    with pytest.raises(Conflict) as refusal:
        world.put_domain()
    assert refusal.value.code == "domain_deleting"
    world.domains.delete("acme", force=force)
    assert (world.store.find("acme", "bob"), world.audio.objects) == ((None, None), {})
