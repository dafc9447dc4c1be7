"""Policies of domains: history, one in shadow, activation, the way back, and what another one would decide."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.outcomes.labels import OutcomeLabel
from bonafide.biometrics.policy import Factor, Policy
from bonafide.contracts.domains import DomainSettings
from bonafide.contracts.settings.changes import DomainChanges
from bonafide.errors import BonafideError, PreconditionFailed
from bonafide.records.domain import DomainRecord
from bonafide.records.outcomes.statement import OutcomeStatement
from bonafide.records.policies.comparison import ComparedActions, PolicyComparison, what_if
from bonafide.records.policies.staged import StagedPolicy
from bonafide.records.settings.versions import SettingsAction
from bonafide.services.policies.comparisons import DecisionRange, PolicyComparisons
from bonafide.services.policies.life_cycle import Policies
from tests.services.parts import ADMINISTRATOR, MORNING, World, speech

NEVER: dict[str, Any] = {"requires": (Factor.ANOTHER,)}
DAY = DecisionRange(MORNING - timedelta(days=1), MORNING + timedelta(days=1), None, 100)


class Policed(World):
    """A world with policies."""

    @property
    def policies(self) -> Policies:
        return Policies(self.store, self.store.stagings, lambda: self.now)

    @property
    def comparisons(self) -> PolicyComparisons:
        return PolicyComparisons(self.store, self.store.stagings, self.decisions)

    def stage(self, **changes: Any) -> StagedPolicy:
        return self.policies.stage("acme", changes, "to try", ADMINISTRATOR)

    def activate(self, version: int, revisions: list[str] | None = None) -> DomainRecord:
        return self.policies.activate("acme", version, "tried", revisions, ADMINISTRATOR)

    def roll_back(self, version: int, revisions: list[str] | None = None) -> DomainRecord:
        return self.policies.roll_back("acme", version, "complaints", revisions, ADMINISTRATOR)

    def domain(self) -> DomainRecord:
        record = self.store.domain("acme")
        assert record
        return record


@pytest.fixture
def world() -> Policed:
    world = Policed()
    world.put_domain()
    return world


def refused(call: Any, *arguments: Any) -> str:
    with pytest.raises(BonafideError) as refusal:
        call(*arguments)
    return refusal.value.code


def test_a_staged_policy_judges_every_decision_in_shadow_and_changes_no_answer(world: Policed) -> None:
    world.enroll(speech("ann", 30))
    plain = world.authenticate(speech("ann"), key="one")
    staged = world.stage(**NEVER)
    shadowed = world.authenticate(speech("ann"), key="two")
    assert (plain.decision, shadowed.decision, shadowed.reasons) == ("ACCEPT", "ACCEPT", plain.reasons)
    assert (plain.policy_version, shadowed.policy_version) == (1, 1)
    before, after = (world.decisions.read("acme", each.decision_id) for each in (plain, shadowed))
    assert before
    assert after
    assert before.staged is None
    assert after.staged is not None
    assert (after.staged.staged_version, after.staged.decision) == (staged.staged_version, Decision.STEP_UP)
    assert after.staged.reasons[0] is Reason.FACTOR_REQUIRED


def test_a_staged_policy_that_cannot_be_judged_fails_no_answer(world: Policed, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise ZeroDivisionError

    world.enroll(speech("ann", 30))
    world.stage(**NEVER)
    monkeypatch.setattr(StagedPolicy, "judged", fail)
    answer = world.authenticate(speech("ann"), key="one")
    stored = world.decisions.read("acme", answer.decision_id)
    assert answer.decision == "ACCEPT"
    assert stored
    assert stored.staged is None


def test_activation_and_the_way_back_are_versions_with_who_and_why(world: Policed) -> None:
    before = world.domain().policy
    staged = world.stage(step_up_cost=2.0)
    world.now += timedelta(minutes=1)
    active = world.activate(staged.staged_version, [world.domain().revision])
    assert (active.policy.step_up_cost, active.policy_version) == (2.0, 2)
    assert refused(world.policies.staged, "acme") == "policy_not_staged"
    world.now += timedelta(minutes=1)
    back = world.roll_back(2)
    assert (back.policy, back.policy_version) == (before, 3)
    # Sent once more, it goes back no further.
    assert refused(world.roll_back, 2) == "policy_version_outdated"
    page = world.policies.versions("acme", None, 10)
    assert [(each.record.policy_version, each.action, each.reason, each.changed_by) for each in page.versions] == [
        (3, SettingsAction.ROLLED_BACK, "complaints", ADMINISTRATOR),
        (2, SettingsAction.ACTIVATED, "tried", ADMINISTRATOR),
        (1, SettingsAction.CHANGED, None, ADMINISTRATOR),
    ]
    assert page.before is None
    assert [each.changed for each in page.versions] == [("policy.step_up_cost",)] * 2 + [()]
    for number, each in zip((3, 2, 1), page.versions, strict=True):
        assert world.policies.version("acme", number) == each
    assert refused(world.policies.version, "acme", 4) == "policy_version_not_found"


def test_going_back_again_goes_further_back_and_never_to_a_policy_that_was_left(world: Policed) -> None:
    first = world.domain().policy
    for cost in (2.0, 3.0):
        world.activate(world.stage(step_up_cost=cost).staged_version)
    assert world.roll_back(3).policy.step_up_cost == 2.0
    assert world.roll_back(4).policy == first
    assert refused(world.roll_back, 5) == "policy_version_not_found"
    # Over a version that was gone back to: first to it, and then before the version that it restored.
    world.activate(world.stage(step_up_cost=4.0).staged_version)
    assert world.roll_back(6).policy == first
    assert refused(world.roll_back, 7) == "policy_version_not_found"


def test_policies_are_found_among_other_settings_and_those_of_earlier_releases(world: Policed) -> None:
    for days in range(1, 6):
        world.domains.put("acme", DomainSettings.model_validate({"retention": {"decision_days": days}}))
    # As a release would that kept no versions.
    older = world.domain().next(policy=Policy(impostor_prior=0.3), policy_version=2)
    world.store.put_domain(older)
    assert world.policies.version("acme", 2).record.policy == older.policy
    world.put_domain(impostor_prior=0.4)
    versions = [world.policies.version("acme", number) for number in (1, 2, 3)]
    assert [each.record.policy.impostor_prior for each in versions] == [0.02, 0.3, 0.4]
    pages, before = [], None
    while True:
        page = world.policies.versions("acme", before, 1)
        pages += [each.record.policy_version for each in page.versions]
        before = page.before
        if before is None:
            break
    assert pages == [3, 2, 1]


def test_only_the_policy_that_was_meant_becomes_active_and_only_over_the_one_it_was_staged_beside(
    world: Policed,
) -> None:
    assert refused(world.activate, 1) == "policy_not_staged"
    first = world.stage(step_up_cost=2.0)
    assert world.stage(step_up_cost=2.0) == first
    second = world.stage(step_up_cost=3.0)
    assert refused(world.activate, first.staged_version) == "staged_policy_changed"
    assert refused(world.activate, second.staged_version, ["other"]) == "domain_revision_outdated"
    world.put_domain(impostor_prior=0.2)
    assert refused(world.activate, second.staged_version) == "staged_policy_outdated"
    assert refused(world.roll_back, 2, ["other"]) == "domain_revision_outdated"
    third = world.stage(step_up_cost=3.0)
    assert (third.policy.impostor_prior, third.base_version) == (0.2, 2)
    assert world.policies.withdraw("acme") == third
    assert refused(world.policies.withdraw, "acme") == "policy_not_staged"
    assert refused(world.activate, third.staged_version) == "policy_not_staged"
    assert world.domain().policy_version == 2


def test_a_policy_that_would_accept_almost_anybody_is_not_staged(world: Policed) -> None:
    with pytest.raises(BonafideError) as refusal:
        world.stage(false_accept_cost=1e-9)
    assert refusal.value.code == "policy_out_of_bounds"
    assert refused(world.policies.staged, "acme") == "policy_not_staged"


def test_there_is_no_way_back_from_the_first_policy(world: Policed) -> None:
    assert refused(world.roll_back, 1) == "policy_version_not_found"


def test_a_put_from_a_version_that_is_not_there_any_more_is_refused(world: Policed) -> None:
    seen, service = world.domain(), world.domains.service
    wanted = DomainSettings.model_validate({"policy": {"claim_limit": 2}}).to_record()
    changed = service.put("acme", wanted, ADMINISTRATOR, [seen.revision])
    again = DomainSettings.model_validate({"policy": {"claim_limit": 4}, "reason": "why"}).to_record()
    with pytest.raises(PreconditionFailed):
        service.put("acme", again, ADMINISTRATOR, [seen.revision])
    with pytest.raises(PreconditionFailed):
        service.put("new", again, ADMINISTRATOR, [])
    assert world.domain() == changed
    service.put("acme", again, ADMINISTRATOR, [])
    assert world.domains.versions("acme", None, 1).versions[0].reason == "why"


CHANGE = st.one_of(
    st.tuples(st.just("patch"), st.sampled_from(["claim_limit", "failure_minutes"]), st.integers(1, 9)),
    st.tuples(st.just("stage"), st.just("step_up_cost"), st.integers(1, 3)),
    st.tuples(st.just("activate"), st.just(""), st.integers(0, 0)),
    st.tuples(st.just("roll_back"), st.just(""), st.integers(0, 0)),
)


def attempt(world: Policed, act: str, name: str, value: int) -> int:
    """Makes one change as somebody who just read; returns the policy version that it made, 0 for none."""
    seen = world.domain()
    try:
        if act == "patch":
            number = value + 15 if name == "failure_minutes" else value
            changes = DomainChanges.model_validate({"policy": {name: number}}).to_record()
            made = world.domains.service.change("acme", changes, [seen.revision], ADMINISTRATOR)
        elif act == "activate":
            made = world.activate(world.policies.staged("acme").staged_version, [seen.revision])
        elif act == "roll_back":
            made = world.roll_back(seen.policy_version, [seen.revision])
        else:
            world.stage(**{name: float(value)})
            return 0
    except BonafideError:
        return 0
    return made.policy_version if made.policy_version > seen.policy_version else 0


@settings(max_examples=25)
@given(st.lists(CHANGE, min_size=2, max_size=16))
def test_concurrent_changes_lose_no_version_and_reset_no_other_setting(changes: list[tuple[str, str, int]]) -> None:
    """Every change that succeeded is one version of the history, and each differs from the one before by its own."""
    world = Policed()
    world.put_domain()
    with ThreadPoolExecutor(4) as pool:
        made = Counter(number for number in pool.map(lambda each: attempt(world, *each), changes) if number)
    versions = world.policies.versions("acme", None, 100).versions[::-1]
    numbers = [each.record.policy_version for each in versions]
    assert numbers == list(range(1, world.domain().policy_version + 1))
    assert made == Counter(numbers[1:])
    for former, each in pairwise(versions):
        different = {
            f"policy.{name}"
            for name in Policy.__dataclass_fields__
            if getattr(former.record.policy, name) != getattr(each.record.policy, name)
        }
        assert different == set(each.changed) != set()
        if each.action is SettingsAction.CHANGED:
            assert len(different) == 1


def test_what_another_policy_would_decide_is_told_with_flips_and_costs_and_pages_add_up(world: Policed) -> None:
    world.enroll(speech("ann", 30))
    names = [world.authenticate(speech(who), key=str(at)).decision_id for at, who in enumerate(["ann"] * 3 + ["bob"])]
    record = world.decisions.read("acme", names[0])
    assert record
    world.decisions.add_outcome(record, OutcomeStatement("s", OutcomeLabel.FRAUD, None, MORNING, MORNING), 9)
    whole = world.comparisons.what_if("acme", NEVER, DAY)
    found = whole.found
    assert found.counts[ComparedActions(Decision.ACCEPT, Decision.STEP_UP, OutcomeLabel.FRAUD)] == 1
    assert found.counts[ComparedActions(Decision.ACCEPT, Decision.STEP_UP, OutcomeLabel.UNKNOWN)] == 2
    assert (sum(found.counts.values()), found.untold) == (4, 0)
    assert found.flips[0].decision_id == names[0]
    assert {each.decision_id for each in found.flips} == set(names[:3])
    assert found.flips[0].cost.before - found.flips[0].cost.after == pytest.approx(249)
    assert found.by_other.before - found.by_other.after == pytest.approx(247, abs=0.1)
    parts, after = PolicyComparison(), None
    while True:
        page = world.comparisons.what_if("acme", NEVER, DecisionRange(DAY.begin, DAY.end, after, 1))
        parts, after = parts + page.found, page.after
        if after is None:
            break
    assert (parts.counts, parts.flips) == (found.counts, found.flips)
    assert parts.by_other.after == pytest.approx(found.by_other.after)


def test_the_active_policy_would_decide_what_it_decided(world: Policed) -> None:
    world.enroll(speech("ann", 30))
    for at, who in enumerate(("ann", "bob")):
        world.authenticate(speech(who), key=str(at))
    found = world.comparisons.what_if("acme", {}, DAY).found
    assert (found.flips, found.by_former) == ((), found.by_other)
    assert found.by_other.before == found.by_other.after


def test_a_report_compares_what_was_judged_in_shadow_as_a_replay_does(world: Policed) -> None:
    world.enroll(speech("ann", 30))
    staged = world.stage(**NEVER)
    world.authenticate(speech("ann"), key="one")
    world.stage(step_up_cost=2.0)
    world.authenticate(speech("ann"), key="two")
    report = world.comparisons.in_shadow("acme", staged.staged_version, DAY)
    assert (sum(report.found.counts.values()), report.found.untold) == (1, 1)
    (flip,) = report.found.flips
    record = world.decisions.read("acme", flip.decision_id)
    assert record
    assert what_if([record], staged.policy).flips == (flip,)
    assert sum(world.comparisons.in_shadow("acme", None, DAY).found.counts.values()) == 1
    assert refused(world.comparisons.in_shadow, "acme", 9, DAY) == "policy_not_staged"
    assert refused(world.comparisons.what_if, "acme", {"false_accept_cost": 1e-9}, DAY) == "policy_out_of_bounds"
