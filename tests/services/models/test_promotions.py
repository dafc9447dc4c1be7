"""A champion is replaced by a recorded request and a reported success, and by nothing else."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bonafide.errors import BonafideError, Conflict, NotFound, StoreUnavailable
from bonafide.records.promotion import PromotionKind, PromotionState, RegistryAction
from bonafide.services.models.promotions import PromotionReport, PromotionWish
from tests.services.models.parts import ENGINEER, Candidate, Registry

PIPELINE = "arn:aws:sts::1:assumed-role/bonafide-dev-deploy/run"
DONE = PromotionReport(True, "release-2", "deployed", PIPELINE)
TAKEN_BACK = PromotionReport(False, "release-2", "taken back by the canary", PIPELINE)
ROLLBACK = PromotionWish(PromotionKind.ROLLBACK, None, "callers are rejected")


def promote(candidate: Candidate, override: str | None = None) -> PromotionWish:
    return PromotionWish(PromotionKind.PROMOTE, candidate.digest, "better on telephones", override)


def request(registry: Registry, wish: PromotionWish, key: str | None = None) -> Any:
    return registry.promotions.request(wish, replace(ENGINEER, key=key, body_digest="body"))


def champions(registry: Registry, *candidates: Candidate) -> None:
    for candidate in candidates:
        registry.register(candidate)
        registry.promotions.complete(request(registry, promote(candidate, "a champion to begin with")).sequence, DONE)


def refusal(registry: Registry, wish: PromotionWish, kind: type[BonafideError] = Conflict) -> BonafideError:
    before = registry.store.aliases()
    with pytest.raises(kind) as raised:
        request(registry, wish)
    assert registry.store.aliases() == before
    return raised.value


def test_a_promotion_awaits_the_pipeline_and_then_moves_the_champion() -> None:
    registry, first = Registry(), Candidate("a")
    second = Candidate("b", champion=first.digest)
    champions(registry, first)
    registry.register(second)
    promotion = request(registry, promote(second))
    assert promotion.state is PromotionState.PENDING
    assert (registry.store.aliases().champion, registry.store.aliases().pending) == (first.digest, promotion.sequence)
    completed = registry.promotions.complete(promotion.sequence, DONE)
    assert completed.state is PromotionState.SUCCEEDED
    assert (registry.store.aliases().champion, registry.store.aliases().pending) == (second.digest, None)
    assert registry.promotions.get(promotion.sequence) == completed
    newest = registry.promotions.history(None, 1)[0]
    assert (newest.action, newest.former, newest.principal, newest.release) == (
        RegistryAction.PROMOTED,
        first.digest,
        PIPELINE,
        "release-2",
    )


def test_a_promotion_that_the_canary_takes_back_leaves_the_champion_and_its_reason() -> None:
    registry, first = Registry(), Candidate("a")
    second = Candidate("b", champion=first.digest)
    champions(registry, first)
    registry.register(second)
    promotion = request(registry, promote(second))
    assert registry.promotions.complete(promotion.sequence, TAKEN_BACK).state is PromotionState.FAILED
    assert registry.store.aliases().champion == first.digest
    newest = registry.promotions.history(None, 1)[0]
    assert (newest.action, newest.reason) == (RegistryAction.PROMOTION_FAILED, "taken back by the canary")
    assert request(registry, promote(second)).state is PromotionState.PENDING


def test_a_rollback_goes_back_to_the_champion_before() -> None:
    registry, first, second = Registry(), Candidate("a"), Candidate("b")
    champions(registry, first, second)
    rollback = request(registry, ROLLBACK)
    assert (rollback.request.digest, rollback.request.former) == (first.digest, second.digest)
    registry.promotions.complete(rollback.sequence, DONE)
    assert registry.store.aliases().champion == first.digest
    assert refusal(registry, ROLLBACK).code == "rollback_unavailable"


def test_each_request_to_move_the_champion_is_announced() -> None:
    registry, first = Registry(), Candidate("a")
    registry.register(first)
    request(registry, PromotionWish(PromotionKind.CHALLENGE, first.digest, "shadow it"))
    assert registry.events.announced == []
    promotion = request(registry, promote(first))
    assert registry.events.announced == [promotion]


def test_a_challenger_is_named_at_once() -> None:
    registry, first, second = Registry(), Candidate("a"), Candidate("b")
    champions(registry, first)
    registry.register(second)
    challenge = request(registry, PromotionWish(PromotionKind.CHALLENGE, second.digest, "shadow it"))
    assert (challenge.state, challenge.kind) == (PromotionState.SUCCEEDED, PromotionKind.CHALLENGE)
    assert registry.store.aliases().challenger == second.digest
    assert registry.promotions.get(challenge.sequence) == challenge
    champion = PromotionWish(PromotionKind.CHALLENGE, first.digest, "again")
    assert refusal(registry, champion).code == "model_already_champion"


def test_a_version_whose_gates_failed_is_refused_with_the_gate_its_bound_and_the_found_value() -> None:
    registry, candidate = Registry(), Candidate(failed=("eer", "cllr"))
    registry.register(candidate)
    error = refusal(registry, promote(candidate))
    assert (error.code, error.subject, error.limit, error.found) == ("gates_not_passed", "eer (telephone)", 0.05, 0.07)
    assert "2 of 2 gates" in error.detail
    assert "cllr" in error.detail


def test_a_version_without_a_report_of_its_gates_is_refused() -> None:
    registry, candidate = Registry(), Candidate(failed=None)
    registry.register(candidate)
    assert refusal(registry, promote(candidate)).code == "gates_not_passed"


@pytest.mark.parametrize("compared", ["none", "the champion before"])
def test_gates_that_are_not_about_the_champion_let_nobody_pass_without_an_override(compared: str) -> None:
    registry, first, second = Registry(), Candidate("a"), Candidate("b")
    third = Candidate("c", champion=first.digest if compared != "none" else None, champion_files={})
    champions(registry, first, second)
    registry.register(third)
    error = refusal(registry, promote(third))
    assert (error.code, error.limit, error.found) == ("gates_outdated", second.digest, third.champion)
    assert request(registry, promote(third, "compared by hand")).state is PromotionState.PENDING


def test_gates_may_be_about_another_build_of_the_champions_files() -> None:
    registry, champion = Registry(), Candidate("a", {"lineage": {"run": "1"}})
    champions(registry, champion)
    built = Candidate("a")
    files = json.loads(built.text)["files"]
    assert built.digest != champion.digest
    candidate = Candidate("b", champion=built.digest, champion_files=files)
    registry.register(candidate)
    assert request(registry, promote(candidate)).state is PromotionState.PENDING


def test_gates_of_a_first_version_may_be_about_a_bundle_that_the_registry_does_not_know() -> None:
    registry, candidate = Registry(), Candidate("a", champion="0" * 64)
    registry.register(candidate)
    assert request(registry, promote(candidate)).state is PromotionState.PENDING


def test_a_rollback_that_could_not_compare_who_has_moved_is_refused_unless_somebody_says_why() -> None:
    registry, former, other = Registry(), Candidate("a"), {"embedding_space": "other"}
    champions(registry, former, Candidate("b", {**other, "former": [{"embedding_space": "space"}]}))
    error = refusal(registry, ROLLBACK)
    assert (error.code, error.limit, error.found) == ("embedding_space_not_served", "other", "space")
    rollback = request(registry, replace(ROLLBACK, override="nobody's former voiceprint was removed"))
    assert (rollback.request.digest, rollback.request.override) == (
        former.digest,
        "nobody's former voiceprint was removed",
    )


def test_a_rollback_to_a_bundle_with_the_champions_space_beside_its_own_needs_no_override() -> None:
    registry, both = Registry(), Candidate("a", {"former": [{"embedding_space": "other"}]})
    champions(registry, both, Candidate("b", {"embedding_space": "other"}))
    assert request(registry, ROLLBACK).request.digest == both.digest


def test_an_override_is_recorded_with_its_reason_and_name() -> None:
    registry, candidate = Registry(), Candidate(failed=("eer",))
    registry.register(candidate)
    registry.promotions.complete(request(registry, promote(candidate, "the test set was mislabeled")).sequence, DONE)
    outcome, asked, _ = registry.promotions.history(None, 3)
    assert asked.override == outcome.override == "the test set was mislabeled"
    assert asked.principal == ENGINEER.principal


def test_no_override_makes_a_version_of_what_is_none() -> None:
    registry = Registry()
    assert refusal(registry, promote(Candidate(), "trust me"), NotFound).code == "model_version_not_found"
    registry.upload(Candidate())
    assert refusal(registry, promote(Candidate(), "trust me"), NotFound).code == "model_version_not_found"


def test_one_promotion_is_pending_at_most() -> None:
    registry, first, second = Registry(), Candidate("a"), Candidate("b")
    third = Candidate("c", champion=second.digest)
    champions(registry, first, second)
    registry.register(third)
    pending = request(registry, promote(third))
    for wish in (promote(first), promote(third), ROLLBACK):
        error = refusal(registry, wish)
        assert (error.code, error.found) == ("promotion_pending", pending.sequence)
    # The shadow does not wait.
    request(registry, PromotionWish(PromotionKind.CHALLENGE, first.digest, "shadow it"))
    registry.promotions.complete(pending.sequence, DONE)
    assert registry.promotions.get(pending.sequence).outcome


def test_the_champion_is_not_promoted_again() -> None:
    registry, first = Registry(), Candidate("a")
    champions(registry, first)
    assert refusal(registry, promote(first)).code == "model_already_champion"


def test_a_repeated_request_has_one_effect_even_after_its_outcome() -> None:
    registry, first, second, third = Registry(), Candidate("a"), Candidate("b"), Candidate("c")
    champions(registry, first, second, third)
    rollback = request(registry, ROLLBACK, "key")
    assert request(registry, ROLLBACK, "key") == rollback
    registry.promotions.complete(rollback.sequence, DONE)
    assert request(registry, ROLLBACK, "key").state is PromotionState.SUCCEEDED
    assert registry.store.aliases().champion == second.digest
    assert request(registry, ROLLBACK, "another key").sequence > rollback.sequence


def test_a_request_that_died_before_its_announcement_is_announced_when_it_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry, first = Registry(), Candidate("a")
    registry.register(first)

    def unavailable(_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as broken:
        broken.setattr(registry.events, "requested", unavailable)
        with pytest.raises(StoreUnavailable):
            request(registry, promote(first), "key")
    promotion = request(registry, promote(first), "key")
    assert registry.events.announced == [promotion]
    assert len(registry.promotions.history(None, 10)) == 2


def test_an_outcome_is_reported_once_and_repeated_without_effect() -> None:
    registry, first = Registry(), Candidate("a")
    registry.register(first)
    promotion = request(registry, promote(first))
    completed = registry.promotions.complete(promotion.sequence, DONE)
    assert registry.promotions.complete(promotion.sequence, DONE) == completed
    with pytest.raises(Conflict, match="promotion_completed"):
        registry.promotions.complete(promotion.sequence, TAKEN_BACK)
    assert len(registry.promotions.history(None, 10)) == 3


@pytest.mark.parametrize("sequence", [1, 3, 9999])
def test_what_is_no_promotion_has_no_outcome(sequence: int) -> None:
    registry = Registry()
    champions(registry, Candidate("a"))
    with pytest.raises(NotFound, match="promotion_not_found"):
        registry.promotions.complete(sequence, DONE)
