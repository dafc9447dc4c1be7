"""One contract for stores of the registry, and races for its aliases."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from bonafide.adapters.dynamodb.models import DynamoModelRegistryStore
from bonafide.adapters.memory.models import MemoryModelRegistryStore, MemoryPromotionEvents
from bonafide.errors import Conflict
from bonafide.ports.registry import ModelRegistryStore
from bonafide.ports.stores import VersionConflict
from bonafide.records.model import GateReport, GateResult, ModelFile, ModelVersionRecord, VersionStatus
from bonafide.records.promotion import AliasesRecord, PromotionKind, RegistryAction, RegistryEntry
from bonafide.records.request import RequestContext
from bonafide.services.models.promotions import PromotionReport, Promotions, PromotionWish

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
KEYS = [{"AttributeName": "partition", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}]


@pytest.fixture(params=["memory", "aws"])
def store(request: pytest.FixtureRequest) -> ModelRegistryStore:
    """An empty store; on AWS a table with the keys of the template."""
    if request.param == "memory":
        return MemoryModelRegistryStore()
    state = request.getfixturevalue("state")
    client, name = state.dynamodb, f"models-{uuid4()}"
    described = client.describe_table(TableName=state.name("Models"))["Table"]
    assert described["KeySchema"] == KEYS
    client.create_table(
        TableName=name,
        KeySchema=described["KeySchema"],
        AttributeDefinitions=described["AttributeDefinitions"],
        BillingMode="PAY_PER_REQUEST",
    )
    return DynamoModelRegistryStore(client, name)


def a_version(number: int, revision: int = 1) -> ModelVersionRecord:
    results = [GateResult("eer", "EER is at most 0.05", "telephone", 0.05, 0.01, True)]
    file = ModelFile("speaker.onnx", "1" * 64, 5, object_version="v1")
    return ModelVersionRecord(
        digest=f"{number:064x}",
        status=VersionStatus.READY,
        revision=revision,
        manifest='{"schema": 1, "embedding_space": "space"}\n',
        files=[file, ModelFile("gates.json", "2" * 64, 6, document=True, object_version="v2")],
        created_at=NOW,
        gates=GateReport("1", None, results),
        registered_at=NOW,
        registered_by="arn:aws:iam::1:role/engineer",
    )


def an_offer(number: int, revision: int = 1) -> ModelVersionRecord:
    pending = VersionStatus.PENDING_REGISTRATION
    return replace(a_version(number, revision), status=pending, gates=None, registered_at=None, registered_by=None)


def register(store: ModelRegistryStore, version: ModelVersionRecord) -> None:
    aliases = store.aliases()
    entry = RegistryEntry(aliases.sequence + 1, RegistryAction.REGISTERED, NOW, version.digest, "new")
    store.append(entry, aliases.after(entry), version)


def test_an_empty_registry_has_no_aliases_and_no_history(store: ModelRegistryStore) -> None:
    assert store.aliases() == AliasesRecord()
    assert store.version("0" * 64) is None
    assert [*store.history(None, 10), *store.history_from(1), *store.versions(None, 10)] == []


def test_what_is_written_is_read(store: ModelRegistryStore) -> None:
    register(store, a_version(1))
    assert store.version(a_version(1).digest) == a_version(1)
    assert store.aliases() == AliasesRecord(sequence=1)
    (entry,) = store.history(None, 10)
    assert entry == RegistryEntry(1, RegistryAction.REGISTERED, NOW, a_version(1).digest, "new")


def test_an_offer_is_replaced_by_its_next_revision_only(store: ModelRegistryStore) -> None:
    store.put_offer(an_offer(1), NOW + timedelta(days=1))
    for wrong in (an_offer(1), an_offer(1, 3)):
        with pytest.raises(VersionConflict):
            store.put_offer(wrong, NOW)
    store.put_offer(an_offer(1, 2), NOW)
    with pytest.raises(VersionConflict):
        register(store, a_version(1, 2))
    assert store.aliases() == AliasesRecord()
    assert list(store.versions(None, 10)) == []
    register(store, a_version(1, 3))
    assert store.version(a_version(1).digest) == a_version(1, 3)


@pytest.mark.parametrize("sequence", [1, 3])
def test_an_entry_is_written_once_and_in_its_place(store: ModelRegistryStore, sequence: int) -> None:
    register(store, a_version(1))
    entry = RegistryEntry(sequence, RegistryAction.CHALLENGED, NOW, a_version(1).digest, "other")
    with pytest.raises(VersionConflict):
        store.append(entry, AliasesRecord().after(entry))
    assert [each.reason for each in store.history(None, 10)] == ["new"]
    assert store.aliases().challenger is None


def test_the_history_is_read_in_pages_from_its_end_and_from_any_entry(store: ModelRegistryStore) -> None:
    for number in range(1, 26):
        register(store, a_version(number))
    assert [each.sequence for each in store.history(None, 4)] == [25, 24, 23, 22]
    assert [each.sequence for each in store.history(3, 4)] == [2, 1]
    assert list(store.history(1, 4)) == []
    assert [each.sequence for each in store.history_from(3)] == list(range(3, 26))


def test_versions_are_read_in_pages_without_offers(store: ModelRegistryStore) -> None:
    for number in range(1, 8):
        register(store, a_version(number))
        store.put_offer(an_offer(number + 100), NOW + timedelta(days=1))
    first = store.versions(None, 3)
    assert [each.digest for each in first] == [a_version(number).digest for number in (1, 2, 3)]
    rest = store.versions(first[-1].digest, 100)
    assert [each.digest for each in rest] == [a_version(number).digest for number in (4, 5, 6, 7)]
    assert {each.manifest for each in rest} == {""}


def at_once(acts: Sequence[Callable[[], Any]]) -> list[BaseException | None]:
    """Lets all begin together; returns what each raised."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> BaseException | None:
        barrier.wait()
        try:
            act()
        except Conflict as error:
            return error
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_sixteen_promotions_and_rollbacks_at_once_make_one_history(store: ModelRegistryStore) -> None:
    """Eight engineers promote and eight roll back, round after round, while the pipeline reports outcomes twice."""
    moves = Promotions(store, MemoryPromotionEvents())
    versions = [a_version(number) for number in range(1, 9)]
    for version in versions:
        register(store, version)
    known = {version.digest for version in versions}

    def ask(round_: int, person: int) -> Callable[[], Any]:
        kind = PromotionKind.PROMOTE if person < 8 else PromotionKind.ROLLBACK
        digest = versions[person].digest if person < 8 else None
        context = RequestContext(f"{round_}-{person}", "body", principal=f"engineer {person}")
        return lambda: moves.request(PromotionWish(kind, digest, "race", "raced"), context)

    for round_ in range(4):
        outcomes = at_once([ask(round_, person) for person in range(16)])
        codes = {each.code for each in outcomes if isinstance(each, Conflict)}
        assert codes <= {"promotion_pending", "rollback_unavailable", "model_already_champion"}
        assert outcomes.count(None) == 1
        pending = store.aliases().pending
        assert pending
        report = PromotionReport(round_ % 3 != 2, f"release-{round_}", "race")
        assert at_once([partial(moves.complete, pending, report)] * 2) == [None, None]
    history = list(store.history_from(1))
    assert [each.sequence for each in history] == list(range(1, 8 + 2 * 4 + 1))
    assert AliasesRecord.of(history) == store.aliases()
    aliases = AliasesRecord()
    for entry in history:
        aliases = aliases.after(entry)
        assert set(aliases.champions) <= known


def test_sixteen_challenges_at_once_are_all_recorded(store: ModelRegistryStore) -> None:
    register(store, a_version(1))
    moves = Promotions(store, MemoryPromotionEvents())
    wish = PromotionWish(PromotionKind.CHALLENGE, a_version(1).digest, "race")
    asked = [partial(moves.request, wish, RequestContext(str(person), "")) for person in range(16)]
    assert at_once(asked) == [None] * 16
    assert [each.sequence for each in store.history_from(1)] == list(range(1, 18))
