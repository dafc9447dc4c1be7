"""A function may be killed at any moment. Whoever repeats the request then finds one effect, whole."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from bonafide.contracts import DomainSettings
from bonafide.errors import Conflict, NotFound
from tests.services.parts import Fate, Killed, World, speech


def a_world() -> World:
    world = World()
    world.put_domain(keep_audio=True, minimum_enrolment_seconds=6)
    world.enroll(speech("ann", 12), key="before")
    return world


REQUESTS: dict[str, Callable[[World], object]] = {
    "create a domain": lambda world: world.tenants.put("other", DomainSettings()),
    "change a domain": lambda world: world.put_domain(impostor_prior=0.2),
    "delete a domain by force": lambda world: world.tenants.delete("acme", force=True),
    "delete a domain that has speakers": lambda world: world.tenants.delete("acme", force=False),
    "enrol": lambda world: world.enroll(speech("ann", 5), key="key"),
    "enrol somebody new": lambda world: world.enroll(speech("bob", 5), speaker="bob", key="key"),
    "authenticate": lambda world: world.authenticate(speech("ann", 5), key="key"),
    "opt out": lambda world: world.speakers.opt_out("acme", "ann"),
    "delete a speaker": lambda world: world.speakers.delete("acme", "ann"),
}


def state(world: World) -> dict[str, Any]:
    """Everything that is stored, without the number of writes that it took."""
    domains = {name: (record.policy, record.deleting) for name, record in world.store._domains.items()}
    speakers = {
        key: (record.status, record.applied, record.voiceprint and record.voiceprint.to_bytes(), record.opted_out_at)
        for key, record in world.store._speakers.items()
    }
    decisions = {key: {**value, "latency_ms": 0} for key, value in world.decisions.documents.items()}
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


def test_an_enrolment_that_was_cut_off_does_not_reach_the_voiceprint_by_half() -> None:
    before = state(a_world())["speakers"]
    world = a_world()
    with pytest.raises(Killed):
        send(world, REQUESTS["enrol"], Fate(2, "before"))
    assert state(world)["speakers"] == before


def test_a_refused_enrolment_that_was_cut_off_anywhere_and_repeated_leaves_no_audio() -> None:
    for when in ("before", "after"):
        for at in (1, 2):
            world = a_world()
            fate = Fate(at, when)

            def report(moment: str, call: str, world: World = world, fate: Fate = fate) -> None:
                if (moment, call) == ("before", "keep"):
                    World(store=world.store, audio=world.audio, now=world.now).speakers.opt_out("acme", "ann")
                fate(moment, call)

            with pytest.raises(Killed):
                send(world, REQUESTS["enrol"], report)
            send(world, REQUESTS["enrol"], Fate(0, ""))
            assert world.audio.objects == {}, f"killed {when} write {at}"


def test_audio_of_an_enrolment_that_was_never_repeated_is_erased_with_the_speaker() -> None:
    world = a_world()
    with pytest.raises(Killed):
        send(world, REQUESTS["enrol"], Fate(1, "after"))
    world.report = Fate(0, "")
    world.speakers.delete("acme", "ann")
    assert world.audio.objects == {}
