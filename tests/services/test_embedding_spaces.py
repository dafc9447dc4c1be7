"""What becomes of voiceprints when the speaker network changes: two embedding spaces side by side, and a migration."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bonafide.adapters.dynamodb.items import read_speaker, speaker_item
from bonafide.biometrics.decision import Decision
from bonafide.biometrics.scoring import Calibration
from bonafide.errors import Conflict
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.recordings import Recordings
from bonafide.services.voiceprints.migration import MigrationState, SpaceMigration
from tests.services.parts import Chords, World, speech

OLD, NEW = "chords-1", "chords-2"


@pytest.fixture
def world() -> World:
    """Somebody enrolled in the old space, where audio is kept."""
    world = World()
    world.put_domain(keep_audio=True, minimum_enrolment_seconds=10)
    world.models = Chords(OLD)
    world.enroll(speech("ann", 6))
    world.enroll(speech("ann", 6, rate=8000))
    return world


def release(world: World, *spaces: str) -> None:
    world.models = Chords(spaces[0], former=spaces[1:])


def held(world: World, speaker: str = "ann") -> dict[str, float]:
    return {each.embedding_space: each.speech_seconds for each in world.stored(speaker).voiceprints}


def compared_in(world: World, speaker: str = "ann") -> str:
    """Authenticates the enrolled voice; returns the space of the comparison."""
    answer = world.authenticate(speech("ann", 6), speaker=speaker)
    assert answer.decision is Decision.ACCEPT
    stored = world.decisions.read("acme", answer.decision_id)
    assert stored
    return str(stored.case.embedding_space)


def migrate(world: World, store: Any = None, **how: bool) -> MigrationState:
    recordings = Recordings(world.audio)
    return SpaceMigration(store or world.store, world.models, recordings, lambda: world.now).migrate(
        "acme", "ann", **how
    )


def complete(world: World) -> bool:
    return SpaceMigration(world.store, world.models, Recordings(world.audio), lambda: world.now).complete("acme", "ann")


def as_the_release_before_reads(record: SpeakerRecord) -> SpeakerRecord:
    """Through an item without what that release does not know."""
    item = speaker_item(record)
    item.pop("newer_voiceprints", None)
    return read_speaker(item)


def test_a_caller_is_compared_in_the_space_of_the_voiceprint_that_is_there(world: World) -> None:
    release(world, NEW, OLD)
    assert compared_in(world) == OLD
    assert held(world) == {OLD: 12}


def test_the_calibration_is_that_of_the_space(world: World) -> None:
    release(world, NEW, OLD)
    answer = world.authenticate(speech("ann", 6))
    steeper = {name: {**each, "slope": 99.0} for name, each in world.models.calibrations[0]["conditions"].items()}
    world.models.calibrations[0] = {**world.models.calibrations[0], "conditions": steeper}
    assert world.authenticate(speech("ann", 6)).speaker == answer.speaker
    stored = world.decisions.read("acme", answer.decision_id)
    assert stored
    assert stored.calibration == Calibration.parse(world.models.calibrations[1]).digest


def test_an_enrollment_adds_to_the_old_voiceprint_and_begins_the_new_one(world: World) -> None:
    release(world, NEW, OLD)
    world.enroll(speech("ann", 6, level=0.21))
    assert held(world) == {OLD: 18, NEW: 6}
    assert compared_in(world) == OLD
    world.enroll(speech("ann", 6, level=0.22))
    assert held(world) == {OLD: 24, NEW: 12}
    assert compared_in(world) == NEW


def test_a_voiceprint_is_never_made_of_calls(world: World) -> None:
    release(world, NEW, OLD)
    for _ in range(3):
        assert world.authenticate(speech("ann", 8)).decision is Decision.ACCEPT
    assert held(world) == {OLD: 12}
    world.audio.objects = {key: each for key, each in world.audio.objects.items() if "/enrollments/" not in key}
    assert len(world.audio.objects) == 3
    assert migrate(world) is MigrationState.NO_AUDIO


def test_somebody_new_is_known_to_the_release_before_as_well(world: World) -> None:
    release(world, NEW, OLD)
    world.enroll(speech("ann", 12), speaker="new")
    assert held(world, "new") == {OLD: 12, NEW: 12}
    assert compared_in(world, "new") == NEW
    release(world, OLD)
    assert compared_in(world, "new") == OLD


def test_the_release_before_reads_the_old_voiceprint_and_nothing_else(world: World) -> None:
    release(world, NEW, OLD)
    migrate(world)
    read = as_the_release_before_reads(world.stored("ann"))
    assert [each.embedding_space for each in read.voiceprints] == [OLD]


def test_both_voiceprints_come_back_from_the_table(world: World) -> None:
    release(world, NEW, OLD)
    migrate(world)
    found = read_speaker(speaker_item(world.stored("ann")))
    assert [each.to_bytes() for each in found.voiceprints] == [
        each.to_bytes() for each in world.stored("ann").voiceprints
    ]


def test_after_a_rollback_and_forward_again_nobody_is_refused(world: World) -> None:
    release(world, NEW, OLD)
    migrate(world)
    for spaces, expected in [((OLD,), OLD), ((NEW, OLD), NEW)]:
        release(world, *spaces)
        assert compared_in(world) == expected


def test_an_enrollment_of_the_release_before_loses_the_new_voiceprint_and_a_migration_makes_it_again(
    world: World,
) -> None:
    release(world, NEW, OLD)
    migrate(world)
    current = world.stored("ann")
    kept = replace(as_the_release_before_reads(current), version=current.version + 1)
    domain = world.store.domain("acme")
    assert domain
    world.store.put_speaker(domain, kept)
    assert compared_in(world) == OLD
    assert migrate(world) is MigrationState.MIGRATED
    assert compared_in(world) == NEW


def test_only_a_space_that_is_not_served_at_all_is_outdated(world: World) -> None:
    release(world, "chords-3", NEW)
    with pytest.raises(Conflict) as refusal:
        world.authenticate(speech("ann", 6))
    assert refusal.value.code == "voiceprint_outdated"
    # One that is incomplete does not count; when it is complete, the speaker can call again.
    world.enroll(speech("ann", 6, level=0.21))
    with pytest.raises(Conflict):
        world.authenticate(speech("ann", 6))
    world.enroll(speech("ann", 6, level=0.22))
    assert compared_in(world) == "chords-3"


def test_a_speaker_enrolled_under_a_former_policy_is_not_lost_when_it_asks_for_more(world: World) -> None:
    release(world, NEW, OLD)
    assert migrate(world) is MigrationState.MIGRATED
    world.put_domain(keep_audio=True, minimum_enrolment_seconds=60)
    assert compared_in(world) == NEW


def test_a_migration_makes_what_an_enrollment_would_have_made(world: World) -> None:
    release(world, NEW, OLD)
    assert migrate(world, apply=False) is MigrationState.MIGRATED
    assert held(world) == {OLD: 12}
    assert migrate(world) is MigrationState.MIGRATED
    assert migrate(world) is MigrationState.COMPLETE
    assert held(world) == {OLD: 12, NEW: 12}
    other = World()
    other.put_domain(minimum_enrolment_seconds=10)
    other.models = Chords(NEW)
    other.enroll(speech("ann", 6))
    other.enroll(speech("ann", 6, rate=8000))
    made, expected = world.stored("ann").voiceprints[1], other.stored("ann").voiceprints[0]
    # Names of contributions are those of the requests.
    named = [replace(each, name=own.name) for each, own in zip(expected.parts, made.parts, strict=True)]
    assert made.to_bytes() == replace(expected, parts=tuple(named)).to_bytes()


def test_kept_audio_is_used_only_where_the_policy_still_keeps_it(world: World) -> None:
    release(world, NEW, OLD)
    world.put_domain(keep_audio=False, minimum_enrolment_seconds=10)
    assert migrate(world) is MigrationState.NO_AUDIO


def test_too_little_kept_audio_begins_a_voiceprint_that_does_not_count_yet(world: World) -> None:
    world.put_domain(keep_audio=False, minimum_enrolment_seconds=10)
    world.enroll(speech("ann", 9))
    del world.audio.objects[min(key for key in world.audio.objects if "/enrollments/" in key)]
    world.put_domain(keep_audio=True, minimum_enrolment_seconds=10)
    release(world, NEW, OLD)
    assert migrate(world) is MigrationState.TOO_LITTLE
    assert held(world) == {OLD: 21, NEW: 6}
    assert compared_in(world) == OLD


def test_kept_audio_that_was_never_added_is_not_used(world: World) -> None:
    kept = next(key for key in world.audio.objects if "/enrollments/" in key)
    stray = kept.rpartition("/")[0] + "/refused"
    world.audio.objects[stray], world.audio.described[stray] = world.audio.objects[kept], {}
    release(world, NEW, OLD)
    migrate(world)
    assert held(world)[NEW] == 12


class Meanwhile:
    """A store where something happens between a migration's reading and its writing."""

    def __init__(self, store: Any, event: Callable[[], object]) -> None:
        self._store = store
        self._event: Callable[[], object] | None = event

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put_speaker(self, *record: Any) -> None:
        event, self._event = self._event, None
        if event:
            event()
        self._store.put_speaker(*record)


def test_an_enrollment_during_the_migration_wins_and_is_part_of_the_result(world: World) -> None:
    release(world, NEW, OLD)
    store = Meanwhile(world.store, lambda: world.enroll(speech("ann", 6, level=0.21)))
    assert migrate(world, store) is MigrationState.MIGRATED
    assert held(world) == {OLD: 18, NEW: 18}


@pytest.mark.parametrize("leave", ["opt_out", "delete"])
def test_who_leaves_during_the_migration_is_gone(world: World, leave: str) -> None:
    release(world, NEW, OLD)
    world.now += timedelta(hours=1)
    store = Meanwhile(world.store, lambda: getattr(world.speakers, leave)("acme", "ann"))
    assert migrate(world, store) is MigrationState.WITHOUT
    _, record = world.store.find("acme", "ann")
    assert record is None or not record.voiceprints


def test_opting_out_erases_the_voiceprints_of_all_spaces(world: World) -> None:
    release(world, NEW, OLD)
    migrate(world)
    world.speakers.opt_out("acme", "ann")
    assert world.stored("ann").voiceprints == ()
    assert "newer_voiceprints" not in speaker_item(world.stored("ann"))


def test_a_migration_is_completed_by_an_act_of_its_own_and_only_where_the_new_voiceprint_is_complete(
    world: World,
) -> None:
    release(world, NEW, OLD)
    assert not complete(world)
    assert held(world) == {OLD: 12}
    migrate(world)
    assert complete(world)
    assert held(world) == {NEW: 12}
    assert compared_in(world) == NEW
    world.enroll(speech("ann", 6, level=0.21))
    assert held(world) == {NEW: 18}


def test_only_the_space_that_is_needed_costs_an_embedding(world: World) -> None:
    release(world, NEW)
    world.enroll(speech("ann", 12), speaker="new")
    release(world, NEW, OLD)
    world.authenticate(speech("ann", 6), speaker="new")
    assert set(world.models.embedded) == {NEW}
