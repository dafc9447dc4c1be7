"""Aliases are what their history comes to, and never name anything but a registered version."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bonafide.adapters.memory.models import MemoryModelRegistryStore, MemoryPromotionEvents
from bonafide.errors import BonafideError
from bonafide.records.model import ModelVersionRecord, VersionStatus
from bonafide.records.promotion import (
    KEPT_CHAMPIONS,
    AliasesRecord,
    PromotionKind,
    RegistryAction,
    RegistryEntry,
)
from bonafide.records.request import RequestContext
from bonafide.services.models.promotions import PromotionReport, Promotions, PromotionWish

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DIGESTS = [f"{number:064x}" for number in range(4)]
STRANGER = "f" * 64
MANIFEST = '{"embedding_space": "space"}'
BY_HAND = RequestContext(None, "", principal="arn:aws:iam::1:role/engineer")

digests = st.sampled_from([*DIGESTS, STRANGER])
wishes = st.one_of(
    st.builds(PromotionWish, st.just(PromotionKind.CHALLENGE), digests, st.just("why")),
    st.builds(PromotionWish, st.just(PromotionKind.PROMOTE), digests, st.just("why"), st.just("tested by hand")),
    st.just(PromotionWish(PromotionKind.ROLLBACK, None, "why")),
)
reports = st.builds(PromotionReport, st.booleans(), st.just("release"), st.just("what happened"))
acts = st.lists(st.one_of(wishes, reports), max_size=40)


def a_registry() -> MemoryModelRegistryStore:
    store = MemoryModelRegistryStore()
    for number, digest in enumerate(DIGESTS, 1):
        version = ModelVersionRecord(digest, VersionStatus.READY, 1, MANIFEST, [], NOW)
        entry = RegistryEntry(number, RegistryAction.REGISTERED, NOW, digest, "new")
        store.append(entry, store.aliases().after(entry), version)
    return store


def play(store: MemoryModelRegistryStore, chosen: list[PromotionWish | PromotionReport]) -> None:
    moves = Promotions(store, MemoryPromotionEvents(), lambda: NOW)
    for act in chosen:
        try:
            if isinstance(act, PromotionWish):
                moves.request(act, BY_HAND)
            else:
                moves.complete(store.aliases().pending or 1, act)
        except BonafideError:
            continue


@given(acts)
def test_the_aliases_are_the_fold_of_their_history(chosen: list[PromotionWish | PromotionReport]) -> None:
    store = a_registry()
    play(store, chosen)
    history = list(store.history_from(1))
    assert [entry.sequence for entry in history] == list(range(1, len(history) + 1))
    assert AliasesRecord.of(history) == store.aliases()
    assert AliasesRecord.from_document(store.aliases().to_document()) == store.aliases()


@given(acts)
def test_aliases_always_name_registered_versions(chosen: list[PromotionWish | PromotionReport]) -> None:
    store = a_registry()
    play(store, chosen)
    aliases = AliasesRecord()
    for entry in store.history_from(1):
        aliases = aliases.after(entry)
        assert {*aliases.champions, aliases.challenger} <= {*DIGESTS, None}
        assert aliases.champion != aliases.challenger or aliases.champion is None


@given(acts)
def test_only_a_success_moves_the_champion_and_a_rollback_undoes_it(
    chosen: list[PromotionWish | PromotionReport],
) -> None:
    store = a_registry()
    play(store, chosen)
    before = AliasesRecord()
    for entry in store.history_from(1):
        after = before.after(entry)
        if entry.action is RegistryAction.PROMOTED:
            assert after.champion == entry.digest
            assert after.previous == entry.former == before.champion
        elif entry.action is RegistryAction.ROLLED_BACK:
            assert (after.champion, before.champion) == (before.previous, entry.former)
        else:
            assert after.champions == before.champions
        before = after


def test_rollbacks_go_back_one_champion_after_the_other() -> None:
    store = a_registry()
    for digest in DIGESTS[:3]:
        play(store, [PromotionWish(PromotionKind.PROMOTE, digest, "why", "by hand"), PromotionReport(True, "r", "d")])
    found = []
    for _ in range(3):
        found.append(store.aliases().champion)
        play(store, [PromotionWish(PromotionKind.ROLLBACK, None, "why"), PromotionReport(True, "r", "d")])
    assert found == [DIGESTS[2], DIGESTS[1], DIGESTS[0]]
    assert store.aliases().champion == DIGESTS[0]


def test_a_challenger_that_a_rollback_makes_champion_is_no_challenger_any_more() -> None:
    store, success = a_registry(), PromotionReport(True, "r", "d")
    for digest in DIGESTS[:2]:
        play(store, [PromotionWish(PromotionKind.PROMOTE, digest, "why", "by hand"), success])
    play(store, [PromotionWish(PromotionKind.CHALLENGE, DIGESTS[0], "why")])
    play(store, [PromotionWish(PromotionKind.ROLLBACK, None, "why"), success])
    assert (store.aliases().champion, store.aliases().challenger) == (DIGESTS[0], None)


def test_the_chain_of_champions_is_bounded() -> None:
    entry = RegistryEntry(1, RegistryAction.PROMOTED, NOW, DIGESTS[0], "why")
    aliases = AliasesRecord.of(replace(entry, sequence=number) for number in range(1, 100))
    assert len(aliases.champions) == KEPT_CHAMPIONS


@given(st.sampled_from(RegistryAction), st.booleans())
def test_an_entry_is_read_as_it_was_written_whatever_a_later_release_adds(action: RegistryAction, whole: bool) -> None:
    entry = RegistryEntry(7, action, NOW, DIGESTS[0], "why")
    if whole:
        entry = replace(
            entry, principal="p", former=DIGESTS[1], override="o", promotion=3, release="r", request="request"
        )
    assert RegistryEntry.from_document(entry.to_document() | {"added_later": 1}) == entry
