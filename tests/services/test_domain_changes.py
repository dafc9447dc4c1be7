"""Single settings of a domain are changed from the version that was read, and no other setting with them."""

from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.access.operations import Role
from bonafide.access.principal import Principals
from bonafide.access.quota import Quota
from bonafide.biometrics.policy import Disclosure, Factor, Policy, RejectingAlert, SyntheticEnrollment
from bonafide.contracts.settings.changes import DomainChanges
from bonafide.errors import BonafideError, NotFound, PreconditionFailed
from bonafide.records.domain import DomainRecord, Retention
from tests.services.parts import ADMINISTRATOR, MORNING, World

OTHER = "arn:aws:iam::123456789012:role/other"


@pytest.fixture
def world() -> World:
    world = World()
    world.put_domain(impostor_prior=0.05, disclosure=Disclosure.FULL)
    return world


def change(world: World, revision: str, **changes: Any) -> DomainRecord:
    wanted = DomainChanges.model_validate(changes).to_record()
    return world.domains.service.change("acme", wanted, [revision], ADMINISTRATOR)


def current(world: World) -> DomainRecord:
    return world.domains.service.get("acme")


VALUES: dict[str, Any] = {
    "impostor_prior": st.floats(0.01, 0.4),
    "spoof_prior": st.floats(0.001, 0.4),
    "false_accept_cost": st.floats(100, 1000),
    "spoof_accept_cost": st.floats(100, 1000),
    "false_reject_cost": st.floats(2, 20),
    "claim_limit": st.integers(1, 10),
    "failure_limit": st.none() | st.integers(1, 10),
    "disclosure": st.sampled_from(Disclosure),
    "synthetic_enrollment": st.sampled_from(SyntheticEnrollment),
    "requires": st.sampled_from([(), (Factor.ANOTHER,)]),
    "uncertain_margin": st.floats(0, 10),
    "reject_on": st.sampled_from([(), (RejectingAlert.AUDIO_REPLAYED, RejectingAlert.VOICE_CHANGED)]),
}
KEPT: dict[str, Any] = {"decision_days": st.integers(1, 3650), "keep_audio": st.booleans()}
FORMER = DomainRecord(
    "acme",
    Policy(
        impostor_prior=0.03,
        false_accept_cost=400.0,
        spoof_accept_cost=300.0,
        claim_limit=7,
        failure_limit=None,
        requires=(Factor.ANOTHER,),
        uncertain_margin=1.5,
        reject_on=(RejectingAlert.SEVERAL_VOICES,),
    ),
    Retention(decision_days=7, replay_days=0),
    MORNING,
    MORNING,
    principals=Principals({Role.ADMINISTRATOR: (ADMINISTRATOR,), Role.ANALYST: (OTHER,)}),
    quota=Quota(2.0, 5),
)


@given(st.fixed_dictionaries({}, optional=VALUES), st.fixed_dictionaries({}, optional=KEPT))
def test_a_change_of_some_settings_resets_no_other(policy: dict[str, Any], retention: dict[str, Any]) -> None:
    # As JSON brings them: enumerations by their values.
    sent = {name: str(value) if isinstance(value, str) else value for name, value in policy.items()}
    changes = DomainChanges.model_validate({"policy": sent, "retention": retention})
    wanted = changes.to_record().over(FORMER).over(FORMER)
    assert asdict(wanted[0]) == {**asdict(FORMER.policy), **policy}
    assert asdict(wanted[1]) == {**asdict(FORMER.retention), **retention}
    assert wanted[2:] == (FORMER.principals, FORMER.quota) or wanted[2] is None


def test_roles_and_quota_change_by_themselves() -> None:
    changes = DomainChanges.model_validate({"principals": {"auditor": [OTHER], "analyst": []}, "quota": None})
    policy, retention, principals, quota = changes.to_record().over(FORMER).over(FORMER)
    assert (policy, retention, quota) == (FORMER.policy, FORMER.retention, None)
    assert principals is not None
    assert {role: own for role, own in principals.patterns.items() if own} == {
        Role.ADMINISTRATOR: (ADMINISTRATOR,),
        Role.AUDITOR: (OTHER,),
    }


def test_a_change_makes_a_version_with_its_history_and_another_revision(world: World) -> None:
    before = current(world)
    after = change(world, before.revision, policy={"claim_limit": 2})
    assert after.policy == replace(before.policy, claim_limit=2)
    assert (after.policy_version, after.revision) != (before.policy_version, before.revision)
    newest = world.domains.versions("acme", None, 1).versions[0]
    assert (newest.changed, newest.changed_by) == (["policy.claim_limit"], ADMINISTRATOR)
    # The same again changes nothing.
    assert change(world, after.revision, policy={"claim_limit": 2}) == after


def test_of_two_changes_from_one_version_the_second_is_refused(world: World) -> None:
    seen = current(world).revision
    first = change(world, seen, policy={"claim_limit": 2})
    with pytest.raises(PreconditionFailed) as refusal:
        change(world, seen, policy={"claim_limit": 4})
    assert refusal.value.code == "domain_revision_outdated"
    assert current(world) == first
    assert world.domains.service.change(
        "acme", DomainChanges.model_validate({"policy": {"claim_limit": 4}}).to_record(), [], None
    )


def test_the_revision_of_a_predecessor_is_not_that_of_a_new_domain(world: World) -> None:
    seen = current(world).revision
    world.domains.delete("acme", force=True)
    with pytest.raises(NotFound):
        change(world, seen, policy={"claim_limit": 2})
    world.now = MORNING.replace(hour=9)
    world.put_domain()
    with pytest.raises(PreconditionFailed):
        change(world, seen, policy={"claim_limit": 2})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"policy": {"impostor_prior": 0.00001}}, "policy_out_of_bounds"),
        ({"principals": {"administrator": []}}, "administrator_missing"),
    ],
)
def test_a_change_keeps_to_the_bounds_of_settings(world: World, changes: dict[str, Any], code: str) -> None:
    before = current(world)
    with pytest.raises(BonafideError) as refusal:
        change(world, before.revision, **changes)
    assert refusal.value.code == code
    assert current(world) == before
