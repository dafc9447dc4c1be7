"""A contribution that is taken back leaves the voiceprint as if it had never been there."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.adapters.dynamodb.brakes import DynamoBrakeStore
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.items import read_speaker, speaker_item
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.contracts.speakers import ContributionList, contribution_list
from bonafide.errors import Conflict, NotFound
from bonafide.http.problems import status_of
from bonafide.records.speaker import SpeakerRecord, generation
from bonafide.services.enrollment.taking_back import Contributions
from tests.adapters.table import Table
from tests.services.parts import Chords, Fate, Killed, World, speech
from tests.services.test_enrollment import once
from tests.services.test_replays import Sounds
from tests.services.test_replays import speech as chatter

SECONDS = {"one": 2.0, "two": 3.0, "three": 4.0}


def taking(world: World) -> Contributions:
    return Contributions(world._store, world._recordings, world.replays, lambda: world.now)


def take_back(world: World, name: str) -> SpeakerRecord:
    return taking(world).take_back("acme", "ann", name)[1]


def a_world(models: Chords | None = None, **stores: Any) -> World:
    world = World(models or Chords(), **stores)
    world.put_domain(keep_audio=True, minimum_enrolment_seconds=6)
    return world


def dynamo(client: Any, table: str) -> dict[str, Any]:
    store: Any = DynamoDomainStore(client, table)
    store.brakes = DynamoBrakeStore(client, table)
    return {"store": store}


def enrolled(world: World, *keys: str) -> dict[str, str]:
    """Names of the contributions by their keys."""
    return {key: world.enroll(speech("ann", SECONDS[key], 8000), key=key).enrollment_id for key in keys}


def listed(world: World) -> ContributionList:
    return contribution_list(world.stored("ann"))


def prints(record: SpeakerRecord) -> Sequence[bytes]:
    return [each.to_bytes() for each in record.voiceprints]


@pytest.mark.parametrize("former", [(), ("chords-0",)])
@pytest.mark.parametrize("taken", SECONDS)
def test_the_voiceprint_is_to_the_last_bit_that_which_was_made_without_it(taken: str, former: tuple[str, ...]) -> None:
    with_it, without = a_world(Chords(former=former)), a_world(Chords(former=former))
    names = enrolled(with_it, *SECONDS)
    enrolled(without, *[each for each in SECONDS if each != taken])
    record = take_back(with_it, names[taken])
    assert prints(record) == prints(without.stored("ann"))
    assert record.applied == without.stored("ann").applied
    assert sorted(name for name in with_it.audio.objects if names[taken] in name) == []


def test_with_too_little_speech_left_nobody_is_enrolled_and_with_none_there_is_no_voiceprint() -> None:
    world = a_world()
    names = enrolled(world, *SECONDS)
    states = [take_back(world, names[key]) for key in ("one", "two", "three")]
    enrolled_, pending = SpeakerStatus.ENROLLED, SpeakerStatus.PENDING
    assert [each.status for each in states] == [enrolled_, pending, pending]
    assert [round(each.speech_seconds) for each in states] == [7, 4, 0]
    assert states[-1].voiceprints == ()
    # The next recording makes the voiceprint, whoever speaks, as the first one did.
    assert world.enroll(speech("bob", 7, 8000)).status is enrolled_


def test_the_history_tells_what_counts_and_nothing_biometric_and_no_score() -> None:
    world = a_world()
    names = enrolled(world, "one", "two")
    again = world.enroll(speech("ann", SECONDS["one"], 8000), key="again").enrollment_id
    take_back(world, names["two"])
    shown = listed(world)
    known = [(each.contribution_id, each.repeated, each.counts, each.taken_back_at) for each in shown.contributions]
    assert known == [
        (again, True, False, None),
        (names["two"], False, False, world.now),
        (names["one"], False, True, None),
    ]
    first = shown.contributions[-1]
    assert (first.speech_seconds, first.channel, first.liveness) == (2.0, "narrowband", "bona_fide")
    assert (first.embedding_spaces, shown.other_speech_seconds) == (["chords-1"], 0.0)
    told = set(shown.contributions[0].model_dump())
    assert told == {*["contribution_id", "at", "speech_seconds", "channel", "embedding_spaces", "liveness"],
                    *["repeated", "counts", "taken_back_at"]}  # fmt: skip


def test_what_was_taken_back_stays_out_under_its_key_and_may_come_again_under_another() -> None:
    world = a_world()
    names = enrolled(world, "one", "two")
    before = generation(*world.store.find("acme", "ann"))  # type: ignore[arg-type]
    taken = take_back(world, names["two"])
    assert take_back(world, names["two"]) == taken
    # No answer from before is repeated: it told of the contribution.
    assert generation(*world.store.find("acme", "ann")) != before  # type: ignore[arg-type]
    with pytest.raises(Conflict) as refusal:
        enrolled(world, "two")
    assert (status_of(refusal.value), refusal.value.code) == (409, "contribution_taken_back")
    assert world.stored("ann") == taken
    assert not world.enroll(speech("ann", SECONDS["two"], 8000), key="anew").repeated
    assert world.stored("ann").speech_seconds == 5.0


def test_its_recording_counts_anew_and_is_no_copy_of_anything_any_more() -> None:
    world = a_world(Sounds())
    name = world.enroll(chatter(0)).enrollment_id
    world.enroll(chatter(1))
    assert world.enroll(chatter(0, level=0.5)).repeated
    take_back(world, name)
    assert name not in {each.name for each in world.fingerprints.heard("acme", "ann", 9)}
    assert not world.enroll(chatter(0, level=0.5)).repeated


def test_who_or_what_is_unknown_is_not_found() -> None:
    world = a_world()
    enrolled(world, "one")
    for speaker, name, code in (("ann", "none", "contribution_not_found"), ("bob", "none", "speaker_not_found")):
        with pytest.raises(NotFound) as refusal:
            taking(world).take_back("acme", speaker, name)
        assert refusal.value.code == code


def by_the_release_before(record: SpeakerRecord) -> SpeakerRecord:
    """The record after a release that knows no parts and no history has written it."""
    item = speaker_item(record)
    known = read_speaker(item)
    assert known.voiceprint
    bare = Voiceprint(known.voiceprint.embedding_space, known.voiceprint.templates, known.speech_seconds)
    return known.next(known.updated_at, voiceprint=bare, history=())


def test_speech_of_the_release_before_stays_one_whole_of_which_only_later_contributions_are_apart() -> None:
    world, before = a_world(), a_world()
    for each in (world, before):
        names = enrolled(each, "one")
        domain, record = each.store.find("acme", "ann")
        assert domain
        assert record
        each.store.put_speaker(domain, by_the_release_before(record))
    names |= enrolled(world, "two")
    assert listed(world).other_speech_seconds == 2.0
    with pytest.raises(Conflict) as refusal:
        take_back(world, names["one"])
    assert (status_of(refusal.value), refusal.value.code) == (409, "contribution_not_apart")
    assert prints(take_back(world, names["two"])) == prints(before.stored("ann"))


def test_the_release_before_reads_a_voiceprint_of_parts_as_one_whole() -> None:
    world = a_world()
    enrolled(world, *SECONDS)
    voiceprint = world.stored("ann").voiceprint
    assert voiceprint
    header, _, sums = voiceprint.to_bytes().partition(b"\n")
    # What it takes for sums of the templates is nothing else.
    assert len(sums) == len(voiceprint.templates) * 192 * 4
    assert Voiceprint.from_bytes(header + b"\n" + sums).templates.keys() == voiceprint.templates.keys()


def test_of_very_many_contributions_the_newest_are_apart_and_an_item_stays_small() -> None:
    world = a_world(Chords(former=("chords-0",)))
    names = [world.enroll(speech("ann", 0.6 + n / 50, 8000)).enrollment_id for n in range(36)]
    record = world.stored("ann")
    assert len(str(speaker_item(record))) < 400_000
    assert [each.name for each in record.history] == names[-32:]
    seconds = record.speech_seconds
    assert take_back(world, names[4]).speech_seconds == pytest.approx(seconds - 0.68)
    with pytest.raises(NotFound):
        take_back(world, names[3])


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.data())
def test_enrollments_and_takings_back_that_cut_into_each_other_leave_what_was_not_taken(data: st.DataObject) -> None:
    world = a_world(**dynamo(Table(), "domains"))
    names = enrolled(world, "one", "two")
    acts: list[Callable[[], object]] = [
        partial(take_back, world, names["one"]),
        partial(take_back, world, names["two"]),
        partial(enrolled, world, "three"),
        partial(take_back, world, names["one"]),
    ]

    def interfere(when: str, call: str) -> None:
        if call == "put_speaker" and acts and data.draw(st.booleans()):
            acts.pop()()

    world.report = interfere
    while acts:
        acts.pop()()
    expected = a_world()
    enrolled(expected, "three")
    assert prints(world.stored("ann")) == prints(expected.stored("ann"))


def together(world: World) -> None:
    """Takes a contribution back, several times at once and while another one is added."""
    names = enrolled(world, "one", "two")
    acts = [partial(take_back, world, names["one"])] * 3 + [partial(enrolled, world, "three")]
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(act) for act in acts]:
            done.result()
    expected = a_world()
    enrolled(expected, "two", "three")
    assert prints(world.stored("ann")) == prints(expected.stored("ann"))


def test_of_many_at_once_none_is_lost() -> None:
    together(a_world())


def test_a_speaker_who_left_meanwhile_stays_gone() -> None:
    world = a_world()
    names = enrolled(world, "one", "two")
    world.report = once("before", "put_speaker", lambda: world.speakers.opt_out("acme", "ann"))
    with pytest.raises(NotFound):
        take_back(world, names["one"])
    assert (world.stored("ann").status, world.stored("ann").voiceprints) == (SpeakerStatus.OPTED_OUT, ())


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_taking_back_that_was_killed_is_whole_when_it_is_repeated(when: str) -> None:
    undisturbed, counted = a_world(), Fate(0, "")
    names = enrolled(undisturbed, "one", "two")
    undisturbed.report = counted
    take_back(undisturbed, names["two"])
    for at in range(1, counted.writes + 1):
        world = a_world()
        enrolled(world, "one", "two")
        world.report = Fate(at, when)
        with pytest.raises(Killed):
            take_back(world, names["two"])
        world.report = lambda _when, _call: None
        take_back(world, names["two"])
        assert prints(world.stored("ann")) == prints(undisturbed.stored("ann"))
        assert world.audio.objects == undisturbed.audio.objects
