"""Domains from creation to deletion."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from bonafide.biometrics.policy import Policy
from bonafide.contracts.domains import DomainSettings
from bonafide.errors import BonafideError, Conflict, InvalidInput, NotFound
from bonafide.http.problems import Problems
from bonafide.records.domain import DomainState
from bonafide.records.erasure import ErasureKind, ErasureRecord
from bonafide.services.shared.domains import deletion
from tests.services.parts import ADMINISTRATOR, MORNING, World, speech
from tests.services.test_enrollment import once


@pytest.fixture
def world() -> World:
    world = World()
    world.put_domain()
    return world


def test_a_domain_starts_with_the_defaults(world: World) -> None:
    world.domains.put("other", DomainSettings())
    domain = world.domains.get("other")
    assert (domain.policy, domain.retention) == (DomainSettings().policy, DomainSettings().retention)
    assert (domain.policy_version, domain.created_at, domain.updated_at) == (1, MORNING, MORNING)


def test_the_same_settings_again_change_nothing(world: World) -> None:
    before = world.store.domain("acme")
    world.now += timedelta(hours=1)
    world.put_domain()
    assert world.store.domain("acme") == before


def test_only_changes_of_the_policy_are_counted(world: World) -> None:
    world.now += timedelta(hours=1)
    world.put_domain(keep_audio=True)
    assert world.domains.get("acme").policy_version == 1
    world.put_domain(keep_audio=True, impostor_prior=0.2)
    domain = world.domains.get("acme")
    assert (domain.policy_version, domain.policy.impostor_prior) == (2, 0.2)
    assert (domain.created_at, domain.updated_at) == (MORNING, MORNING + timedelta(hours=1))


@pytest.mark.parametrize(
    ("given", "cost"),
    [
        ({}, 250.0),
        ({"false_accept_cost": 40.0}, 40.0),
        ({"spoof_accept_cost": 9.0}, 9.0),
        ({"false_accept_cost": 40.0, "spoof_accept_cost": 9.0}, 9.0),
    ],
)
def test_accepting_a_machine_costs_what_an_impostor_does_unless_said(
    world: World, given: dict[str, Any], cost: float
) -> None:
    world.put_domain(**given)
    assert world.domains.get("acme").policy.spoof_accept_cost == cost


@pytest.mark.parametrize(
    ("policy", "field", "limit", "found"),
    [
        ({"impostor_prior": 1e-320}, "policy.impostor_prior", "0.0001 or more", "1e-320"),
        ({"spoof_prior": 0.00009}, "policy.spoof_prior", "0.0001 or more", "9e-05"),
        ({"impostor_prior": 0.0005}, "policy", "speaker threshold of -2.0 or more", "-2.082"),
        ({"false_accept_cost": 1e-9}, "policy", "speaker threshold of -2.0 or more", "-26.224"),
        ({"step_up_cost": 100.0, "false_reject_cost": 1e6}, "policy", "speaker threshold of -2.0 or more", "-3.485"),
        ({"spoof_accept_cost": 1.0}, "policy", "liveness threshold of -5.0 or more", "-8.496"),
    ],
)
def test_a_policy_that_would_accept_almost_anybody_is_refused_and_changes_nothing(
    world: World, policy: dict[str, Any], field: str, limit: str, found: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        world.put_domain(**policy)
    document = json.loads(Problems().response(refusal.value).body or "")
    assert (document["status"], document["code"]) == (400, "policy_out_of_bounds")
    assert document["errors"] == [{"field": field, "limit": limit, "found": found}]
    assert world.domains.get("acme").policy_version == 1


def test_a_policy_on_the_bounds_is_taken(world: World) -> None:
    world.put_domain(impostor_prior=0.00055, spoof_prior=0.0001)
    assert world.domains.get("acme").policy.spoof_prior == 0.0001


def test_settings_that_are_left_out_as_a_whole_stay_as_they_were(world: World) -> None:
    world.put_domain(impostor_prior=0.2)
    before = world.domains.get("acme")
    world.domains.put("acme", DomainSettings.model_validate({"retention": {"decision_days": 30}}))
    domain = world.domains.get("acme")
    assert (domain.policy, domain.policy_version) == (before.policy, before.policy_version)
    assert domain.retention.decision_days == 30
    world.domains.put("acme", DomainSettings.model_validate({"policy": {"spoof_prior": 0.002}}))
    domain = world.domains.get("acme")
    # What is left out of a policy that is given takes its default, as ever, but for what older clients do not know.
    assert domain.policy == DomainSettings().policy.model_copy(update={"spoof_prior": 0.002, "disclosure": "full"})
    assert domain.retention.decision_days == 30


def test_every_version_of_the_settings_is_kept_with_who_changed_what_and_when(world: World) -> None:
    world.now += timedelta(hours=1)
    world.domains.put("acme", DomainSettings.model_validate({"policy": {"failure_limit": 3}}))
    world.domains.put("acme", DomainSettings.model_validate({"policy": {"failure_limit": 3}}))
    world.now += timedelta(hours=1)
    world.domains.put("acme", DomainSettings.model_validate({"retention": {"keep_audio": True}}))
    page = world.domains.versions("acme", None, 2)
    assert [(each.changed, each.changed_at - MORNING) for each in page.versions] == [
        (["retention.keep_audio"], timedelta(hours=2)),
        (["policy.failure_limit"], timedelta(hours=1)),
    ]
    rest = world.domains.versions("acme", page.next_before, 2)
    assert [(each.version, each.changed, each.policy.failure_limit) for each in rest.versions] == [(1, [], 5)]
    assert rest.next_before is None
    assert {each.changed_by for each in (*page.versions, *rest.versions)} == {ADMINISTRATOR}
    assert world.domains.version("acme", 2) == page.versions[1]
    with pytest.raises(NotFound, match="domain_version_not_found"):
        world.domains.version("acme", 9)


def test_what_an_earlier_release_wrote_is_kept_when_it_is_changed(world: World) -> None:
    record = world.store.domain("acme")
    assert record
    older = record.next(policy=Policy(impostor_prior=0.3), policy_version=2)
    world.store.put_domain(older)
    world.domains.put("acme", DomainSettings.model_validate({"policy": {"impostor_prior": 0.4}}))
    found = world.domains.versions("acme", None, 10).versions
    assert [(each.version, each.policy.impostor_prior, each.changed_by) for each in found] == [
        (3, 0.4, ADMINISTRATOR),
        (2, 0.3, None),
        (1, 0.02, ADMINISTRATOR),
    ]


def test_a_domain_that_no_release_kept_versions_of_shows_the_present_one(world: World) -> None:
    world.store.forget_versions("acme")
    [only] = world.domains.versions("acme", None, 10).versions
    assert (only.version, only.changed_by) == (1, None)
    assert world.domains.version("acme", 1) == only


def test_a_domain_that_is_made_again_has_no_former_versions(world: World) -> None:
    world.put_domain(failure_limit=2)
    world.domains.delete("acme", force=True)
    world.now += timedelta(hours=1)
    world.put_domain()
    assert [each.version for each in world.domains.versions("acme", None, 10).versions] == [1]


def test_of_two_writers_both_are_applied_one_after_the_other(world: World) -> None:
    world.report = once("before", "put_domain", lambda: world.put_domain(impostor_prior=0.2))
    world.put_domain(impostor_prior=0.3)
    domain = world.domains.get("acme")
    assert (domain.policy_version, domain.policy.impostor_prior) == (3, 0.3)


def test_an_unknown_domain_is_neither_read_nor_deleted(world: World) -> None:
    for call in (
        world.domains.get,
        lambda domain: world.domains.delete(domain, force=True),
        world.domains.offer_upload,
    ):
        with pytest.raises(NotFound):
            call("other")


def test_a_domain_with_speakers_is_deleted_by_force_only(world: World) -> None:
    world.enroll(speech("ann"))
    with pytest.raises(Conflict) as refusal:
        world.domains.delete("acme", force=False)
    assert (refusal.value.code, refusal.value.subject) == ("domain_not_empty", "speakers")
    assert world.speakers.get("acme", "ann").total_speech_seconds == 6
    world.domains.delete("acme", force=True)
    assert world.store.find("acme", "ann") == (None, None)


def test_a_deletion_that_is_refused_never_closes_the_domain(world: World) -> None:
    world.enroll(speech("ann"))
    seen: list[bool] = []
    world.report = lambda when, call: seen.append(not getattr(world.store.domain("acme"), "is_open", False))
    with pytest.raises(Conflict):
        world.domains.delete("acme", force=False)
    assert not any(seen)


def test_a_speaker_who_is_enrolled_while_an_empty_domain_is_deleted_keeps_it(world: World) -> None:
    world.report = once("before", "put_domain", lambda: world.enroll(speech("ann")))
    with pytest.raises(Conflict) as refusal:
        world.domains.delete("acme", force=False)
    assert refusal.value.code == "domain_not_empty"
    assert world.speakers.get("acme", "ann").total_speech_seconds == 6


def test_all_speakers_and_their_audio_go_with_the_domain(world: World) -> None:
    world.put_domain(keep_audio=True)
    for n in range(5):
        world.enroll(speech("ann", 1), speaker=f"speaker-{n}")
    world.domains.delete("acme", force=True)
    assert world.audio.objects == {}
    world.put_domain()
    assert world.speakers.list("acme", None, 100).speakers == []


def test_a_deletion_that_is_too_much_for_one_request_goes_on_with_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "PAGES_AT_ONCE", 2)
    monkeypatch.setattr(deletion, "DELETE_PAGE", 2)
    world.put_domain(keep_audio=True)
    for n in range(5):
        world.enroll(speech("ann", 1), speaker=f"speaker-{n}")
    world.audio.objects |= {f"kept/acme/gone/{n}": b"" for n in range(1000)}
    for speakers, recordings in ((1, 1005), (0, 5)):
        with pytest.raises(Conflict) as refusal:
            world.domains.delete("acme", force=True)
        assert (refusal.value.code, refusal.value.retry_after) == ("domain_deleting", 1)
        assert len(world.store.list_speakers("acme", None, 10).speakers) == speakers
        assert len(world.audio.objects) == recordings
    world.domains.delete("acme", force=True)
    assert (world.store.domain("acme"), world.audio.objects) == (None, {})


def test_settings_that_come_while_an_empty_domain_is_deleted_keep_it_and_its_speakers(world: World) -> None:
    world.put_domain(keep_audio=True)

    def come() -> None:
        world.put_domain(keep_audio=True)
        world.enroll(speech("ann"))

    looked = once("after", "stored_speakers", lambda: setattr(world, "report", once("after", "stored_speakers", come)))
    world.report = looked
    with pytest.raises(Conflict) as refusal:
        world.domains.delete("acme", force=False)
    assert refusal.value.code == "domain_changed"
    assert world.speakers.get("acme", "ann").total_speech_seconds == 6
    assert len(world.audio.objects) == 1


@pytest.mark.parametrize("call", ["put_domain", "stored_speakers", "delete_domain"])
@pytest.mark.parametrize("force", [False, True])
def test_of_two_deletions_at_once_both_end_with_the_domain_gone(world: World, call: str, force: bool) -> None:
    if force:
        world.enroll(speech("ann"))
    world.report = once("before", call, lambda: world.domains.delete("acme", force=force))
    with suppress(NotFound, Conflict):
        world.domains.delete("acme", force=force)
    assert world.store.domain("acme") is None


def test_a_deletion_that_another_overtook_spares_the_new_domain_of_that_name(world: World) -> None:
    def delete_and_begin_again() -> None:
        world.domains.delete("acme", force=True)
        world.now += timedelta(seconds=1)
        world.put_domain(keep_audio=True)
        world.enroll(speech("ann"))

    world.report = once("after", "put_domain", delete_and_begin_again)
    with pytest.raises(Conflict) as refusal:
        world.domains.delete("acme", force=True)
    assert refusal.value.code == "domain_changed"
    assert world.speakers.get("acme", "ann").total_speech_seconds == 6
    assert len(world.audio.objects) == 1


def test_a_domain_that_was_changed_while_it_was_deleted_is_not_lost(world: World) -> None:
    world.enroll(speech("ann"))

    def reopen() -> None:
        closed = world.store.domain("acme")
        assert closed
        world.store.put_domain(closed.next(state=DomainState.OPEN))

    world.report = once("before", "delete_domain", reopen)
    with pytest.raises(Conflict) as refusal:
        world.domains.delete("acme", force=True)
    assert refusal.value.code == "domain_changed"
    world.domains.offer_upload("acme")


def test_a_domain_that_is_being_deleted_takes_no_settings_and_shows_no_speakers(world: World) -> None:
    world.enroll(speech("ann"))
    codes: list[str] = []

    def look() -> None:
        for call in (
            world.put_domain,
            lambda: world.speakers.list("acme", None, 10),
            lambda: world.domains.offer_upload("acme"),
        ):
            with pytest.raises(BonafideError) as refusal:
                call()
            codes.append(refusal.value.code)

    world.report = once("before", "delete_speaker", look)
    world.domains.delete("acme", force=True)
    assert codes == ["domain_deleting", "domain_not_found", "domain_not_found"]


def test_the_deletion_of_a_domain_is_on_record_and_a_refused_one_is_not(world: World) -> None:
    world.enroll(speech("ann"))
    with pytest.raises(Conflict):
        world.domains.delete("acme", force=False)
    assert world.audio.erasures == {}
    world.domains.delete("acme", force=True)
    expected = ErasureRecord(ErasureKind.DOMAIN_DELETED, "acme", None, MORNING)
    assert world.audio.erasures == {"erasures/acme/domain-deleted": expected}


def test_a_deletion_that_another_one_overtook_does_not_mean_the_next_domain_of_that_name(world: World) -> None:
    def overtake() -> None:
        World(store=world.store, audio=world.audio).domains.delete("acme", force=True)
        World(store=world.store, audio=world.audio, now=MORNING + timedelta(hours=1)).put_domain()
        world.now += timedelta(hours=2)

    world.report = once("after", "put_domain", overtake)
    with pytest.raises(Conflict):
        world.domains.delete("acme", force=True)
    created = world.store.domain("acme")
    assert created
    assert world.audio.erasures["erasures/acme/domain-deleted"].at < created.created_at
