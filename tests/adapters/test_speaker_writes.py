"""Speakers are written without their domain's item, and still never into a deleted domain or one made anew.

Enrollments, deletions of the domain, of speakers, opt-outs and new domains of the same name cut into each other at
every call to the table, some of them in the code of the release before this one, some killed on the way. Few and long
turns of each find more than many short ones.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.adapters.dynamodb.brakes import DynamoBrakeStore
from bonafide.adapters.dynamodb.conditions import follows_same, translated_errors
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.items import domain_key, read_domain, read_speaker, speaker_item, speaker_key
from bonafide.adapters.memory.audio import MemoryAudioStore
from bonafide.errors import BonafideError
from bonafide.ports.stores import DomainChanged, VersionConflict
from bonafide.records.domain import DomainRecord, DomainState
from bonafide.records.speaker import SpeakerRecord
from tests.adapters.table import Item, Killed, Table, Turns
from tests.adapters.test_stores import a_domain, a_speaker
from tests.services.parts import MORNING, World, speech
from tests.services.test_taking_back import a_world, dynamo, together

SPEECH = speech("ann", 1.0, 8000)
DOMAIN_KEY = ("acme", "domain")


@pytest.fixture(autouse=True, scope="module")
def without_pauses() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bonafide.services.shared.retries.time.sleep", lambda _: None)
        yield


class ReleaseBefore(DynamoDomainStore):
    """Reads and writes speakers as the release before this one did."""

    def find(self, domain: str, speaker: str) -> tuple[DomainRecord | None, SpeakerRecord | None]:
        keys = [domain_key(domain), speaker_key(domain, speaker)]
        items = {item["item"]["S"]: item for item in self._batches.read(keys)}
        found, known = (items.get(key["item"]["S"]) for key in keys)
        return read_domain(found) if found else None, read_speaker(known) if known else None

    def put_speaker(self, domain: DomainRecord, record: SpeakerRecord) -> None:
        open_: Any = {
            "Key": domain_key(domain.domain),
            "ConditionExpression": "deleting = :no",
            "ExpressionAttributeValues": {":no": {"BOOL": False}},
        }
        item = {name: value for name, value in speaker_item(record).items() if name != "summary"}
        put: Any = {"Item": item, **follows_same(record.version, record.created_at)}
        try:
            self._client.transact_write_items(TransactItems=[{"ConditionCheck": open_}, {"Put": put}])
        except Exception as error:
            current = self.domain(domain.domain)
            raise (VersionConflict if current and current.is_open else DomainChanged) from error

    def delete_speaker(self, record: SpeakerRecord) -> None:
        with translated_errors():
            self._client.delete_item(TableName=self._table, Key=speaker_key(record.domain, record.speaker))

    def stored_speakers(self, domain: str, limit: int) -> Sequence[SpeakerRecord]:
        """It took a speaker of version 0 for one like any other."""
        return [replace(each, version=each.version or 1) for each in super().stored_speakers(domain, limit)]


class Client:
    """One process's calls to the table. Checks that nothing is written into another domain than the one it read."""

    def __init__(self, table: Table, step: Callable[[], None], killed_at: int) -> None:
        self._table = table
        self._step = step
        self._calls = itertools.count(1)
        self._killed_at = killed_at
        self._read: Item | None = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self._step()
            if next(self._calls) == self._killed_at:
                raise Killed
            answer = getattr(self._table, name)(**request)
            self._check(name, request)
            return answer

        return call

    def _check(self, name: str, request: Item) -> None:
        now = self._table.items.get(DOMAIN_KEY)
        if name == "batch_get_item":
            self._read = now
        if name == "transact_write_items":
            assert now is not None
        if name == "put_item" and "voiceprint" in request["Item"]:
            assert now is not None
            assert self._read is not None
            assert now["created_at"] == self._read["created_at"]


@dataclass
class Stage:
    """One table, one bucket, and what was acknowledged."""

    table: Any = field(default_factory=Table)
    audio: MemoryAudioStore = field(default_factory=MemoryAudioStore)
    enrolled: list[str] = field(default_factory=list)
    ticks: Iterator[int] = field(default_factory=itertools.count)

    def world(self, client: Any, release: type[DynamoDomainStore] = DynamoDomainStore) -> World:
        store: Any = release(client, "domains")
        store.brakes = DynamoBrakeStore(client, "domains")
        return World(store=store, audio=self.audio, now=MORNING + timedelta(seconds=next(self.ticks)))

    def actor(self, act: str, speaker: str, killed_at: int) -> Callable[[Callable[[], None]], object]:
        old, _, verb = act.rpartition(" ")
        release = ReleaseBefore if old else DynamoDomainStore

        def run(step: Callable[[], None]) -> None:
            world = self.world(Client(self.table, step, killed_at), release)
            with suppress(BonafideError):
                ACTS[verb](world, speaker)
                if verb == "enroll":
                    self.enrolled.append(speaker)

        return run

    @property
    def speakers(self) -> dict[str, Item]:
        items = self.table.items.items()
        return {key[1].removeprefix("speaker#"): item for key, item in items if key[1].startswith("speaker#")}


ACTS: dict[str, Callable[[World, str], object]] = {
    "enroll": lambda world, speaker: world.enroll(SPEECH, speaker=speaker, key=str(world.now)),
    "opt-out": lambda world, speaker: world.speakers.opt_out("acme", speaker),
    "leave": lambda world, speaker: world.speakers.delete("acme", speaker),
    "force": lambda world, _: world.domains.delete("acme", force=True),
    "delete": lambda world, _: world.domains.delete("acme", force=False),
    "begin": lambda world, _: world.put_domain(),
}
NEVER = st.just(0)
ACTORS = st.tuples(
    st.sampled_from([*ACTS, "enroll", "force", "begin", "old enroll", "old force", "old delete"]),
    st.sampled_from(["ann", "bob"]),
    NEVER | NEVER | st.integers(1, 12),
)


TURNS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 10)), max_size=8)


def played(actors: Sequence[tuple[str, str, int]], turns: Sequence[tuple[int, int]]) -> Stage:
    stage = Stage()
    stage.world(stage.table).put_domain()
    Turns().run([stage.actor(*each) for each in actors], turns)
    return stage


def require_consistency(stage: Stage) -> None:
    """Nothing of a person is left of a deleted domain, and a domain shows what its table holds."""
    if DOMAIN_KEY not in stage.table.items:
        assert all(item["version"] == {"N": "0"} and "voiceprint" not in item for item in stage.speakers.values())
    world = stage.world(stage.table)
    with suppress(BonafideError):
        world.put_domain()
        listed = {each.speaker for each in world.speakers.list("acme", None, 100).speakers}
        assert listed == {name for name, item in stage.speakers.items() if item["version"] != {"N": "0"}}
        assert all((world.store.find("acme", name)[1] is not None) == (name in listed) for name in ("ann", "bob"))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(ACTORS, min_size=2, max_size=5), TURNS)
def test_whoever_cuts_into_whom_nobody_is_written_into_a_domain_that_is_deleted_or_was_made_anew(
    actors: list[tuple[str, str, int]], turns: list[tuple[int, int]]
) -> None:
    require_consistency(played(actors, turns))


# Turns of an enrollment: after two of them it has read the domain for the last time before it writes.
CUTS = range(1, 8)
ALL = 99


@pytest.mark.parametrize("enroll", ["enroll", "old enroll"])
@pytest.mark.parametrize("force", ["force", "old force"])
def test_wherever_a_deletion_cuts_into_two_first_enrollments_of_a_speaker_nothing_is_left_of_them(
    enroll: str, force: str
) -> None:
    actors = [("enroll", "ann", 0), (enroll, "ann", 0), (force, "", 0)]
    for first, second, later in itertools.product(CUTS, CUTS[2:], (0, 1, 2)):
        require_consistency(played(actors, [(0, first), (1, second), (2, ALL), (1, later)]))


def test_wherever_a_domain_is_deleted_and_made_anew_during_an_enrollment_the_new_one_has_no_speaker() -> None:
    for cut in CUTS[1:]:
        stage = played([("enroll", "ann", 0), ("force", "", 0), ("begin", "", 0)], [(0, cut), (1, ALL), (2, ALL)])
        require_consistency(stage)
        assert [item for item in stage.speakers.values() if item["version"] != {"N": "0"}] == []


@pytest.mark.parametrize("delete", ["delete", "old delete"])
@pytest.mark.parametrize("enroll", ["enroll", "old enroll"])
def test_an_enrollment_that_was_answered_outlives_every_deletion_without_force(enroll: str, delete: str) -> None:
    for first, second, later in itertools.product(CUTS, range(1, 9), (1, 2, ALL)):
        stage = played([(enroll, "ann", 0), (delete, "", 0)], [(0, first), (1, second), (0, later), (1, ALL)])
        if stage.enrolled:
            assert stage.speakers["ann"]["version"] == {"N": "1"}


class Recorder(Table):
    """Keeps the keys that each write touches."""

    def __init__(self) -> None:
        super().__init__()
        self.touched: list[set[str]] = []

    def put_item(self, *, Item: Item, **request: Any) -> Item:  # noqa: N803
        self.touched.append({Item["item"]["S"]})
        return super().put_item(Item=Item, **request)

    def transact_write_items(self, *, TransactItems: Any) -> Item:  # noqa: N803
        self.touched.append({part["item"]["S"] for each in TransactItems for part in _keys(each)})
        return super().transact_write_items(TransactItems=TransactItems)


def _keys(operation: dict[str, Item]) -> list[Item]:
    return [request.get("Key") or request["Item"] for request in operation.values()]


def test_the_writes_of_different_speakers_have_no_item_in_common() -> None:
    stage = Stage(table=Recorder())
    world = stage.world(stage.table)
    world.put_domain()
    stage.table.touched.clear()
    for speaker in (f"speaker-{n}" for n in range(20)):
        world.enroll(SPEECH, speaker=speaker)
        world.enroll(SPEECH, speaker=speaker)
        world.speakers.opt_out("acme", speaker)
        of_speaker, stage.table.touched = stage.table.touched, []
        assert of_speaker == [{f"speaker#{speaker}"}] * 4


def test_a_first_version_that_was_never_written_is_nobody_and_expires() -> None:
    stage = Stage()
    stage.world(stage.table).put_domain()
    Turns().run([stage.actor("enroll", "ann", 5)], [])
    [reserved] = stage.speakers.values()
    assert (reserved["version"], reserved["status"]) == ({"N": "0"}, {"S": "PENDING"})
    assert {"voiceprint", "reservation"} & set(reserved) == {"reservation"}
    assert "receipt" not in str(reserved)
    assert int(reserved["expires_at"]["N"]) > 0
    world = stage.world(stage.table)
    assert world.store.find("acme", "ann")[1] is None
    assert world.speakers.list("acme", None, 10).speakers == []
    world.domains.delete("acme", force=False)
    assert stage.table.items == {}


def test_the_first_version_takes_the_place_of_the_empty_item_for_good() -> None:
    stage = Stage()
    stage.world(stage.table).put_domain()
    Turns().run([stage.actor("enroll", "ann", 5), stage.actor("enroll", "ann", 0)], [])
    [item] = stage.speakers.values()
    assert item["version"] == {"N": "1"}
    assert {"expires_at", "reservation"} & set(item) == set()


def test_speakers_whom_the_release_before_wrote_are_found_and_listed(state: Any) -> None:
    client, table = state.dynamodb, state.name("Tenants")
    store = DynamoDomainStore(client, table)
    domain = a_domain("release-before")
    store.put_domain(domain)
    old, new = (a_speaker(domain.domain, name) for name in ("ann", "bob"))
    item = {name: value for name, value in speaker_item(old).items() if name != "summary"}
    client.put_item(TableName=table, Item=item)
    store.put_speaker(domain, new)
    assert store.find(domain.domain, "ann") == (domain, old)
    assert store.list_speakers(domain.domain, None, 10).speakers == [old.summary, new.summary]


def test_a_closed_domain_keeps_what_a_reservation_came_before() -> None:
    """The writer's view of the domain is older than the closing; its reservation is not."""
    stage = Stage()
    store = DynamoDomainStore(stage.table, "domains")
    domain = a_domain("acme")
    store.put_domain(domain)
    store.put_domain(replace(domain, version=2, state=DomainState.EMPTYING))
    with pytest.raises(DomainChanged):
        store.put_speaker(domain, a_speaker("acme"))
    assert store.find("acme", "ann")[1] is None


def test_of_a_contribution_that_is_taken_back_while_another_is_added_neither_is_lost(state: Any) -> None:
    world = a_world(**dynamo(state.dynamodb, state.name("Tenants")))
    together(world)
    world.domains.delete("acme", force=True)
