"""A brake holds for every decision within 20 s, and whoever cannot read it decides as if it were on."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bonafide.biometrics.case import BrakeScope
from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.scoring import Calibration
from bonafide.contracts.events import parse
from bonafide.errors import Conflict, NotFound, StoreUnavailable
from bonafide.observability import measurements
from bonafide.services.brakes import Brakes
from bonafide.services.shared.braked_domains import LONGEST_AGE, BrakedDomains
from stacks.platform.function import ONE_CORE, SMALL
from stacks.platform.stores import BRAKE_KEPT_SECONDS
from tests.services.parts import MORNING, World, speech
from tests.streamed import DOMAIN, Deployment, Script

SECOND = timedelta(seconds=1)
CALL = Script("call", "grace", "grace")


class OneShot:
    """Decisions on recordings, in an environment that stays."""

    domain = "acme"

    def __init__(self) -> None:
        self.world = World()
        self.world.put_domain(minimum_enrolment_seconds=6)
        self.world.enroll(speech("ann", 8))

    @property
    def brakes(self) -> Brakes:
        return self.world.brakes

    def wait(self, time: timedelta) -> None:
        self.world.now += time

    def disturb(self, report: Callable[[str, str], None]) -> None:
        self.world.report = report

    def decide(self) -> Any:
        return self.world.authenticate(speech("ann", 8))


class Session:
    """Evaluations of a session that goes on, in an environment that stays."""

    domain = DOMAIN

    def __init__(self) -> None:
        self.line = Deployment()
        self.line.start(CALL)
        for number in range(4):
            self.line.scoring.handle(parse(CALL.chunk(number)), self.line.now)

    @property
    def brakes(self) -> Brakes:
        return Brakes(self.line.domains.brakes, self.line.domains, lambda: self.line.now)

    def wait(self, time: timedelta) -> None:
        self.line.now += time

    def disturb(self, report: Callable[[str, str], None]) -> None:
        self.line.report = report

    def decide(self) -> Any:
        return self.line.calls.evaluate(DOMAIN, "call")


class EndedSession(Session):
    """Final decisions, written by the consumer of the stream; each on another session."""

    number = 0

    def decide(self) -> Any:
        self.number += 1
        script = Script(f"call-{self.number}", "grace", "grace")
        self.line.start(script)
        for event in script.events:
            self.line.scoring.handle(parse(event), self.line.now)
        return self.line.calls.evaluate(DOMAIN, script.session)


PATHS = (OneShot, Session, EndedSession)


def under(answer: Any) -> tuple[Decision, Reason]:
    return answer.decision, answer.reasons[-1]


FREE = (Decision.ACCEPT, Reason.VOICE_MATCH)
BRAKED = (Decision.STEP_UP, Reason.BRAKE_ON)


@pytest.mark.parametrize("kind", PATHS)
def test_a_brake_of_the_stage_holds_in_an_environment_that_has_just_read_it_as_off(kind: Any) -> None:
    path = kind()
    assert under(path.decide()) == FREE
    path.brakes.set(None, "incident 7", "ann")
    path.wait(LONGEST_AGE)
    assert under(path.decide()) == BRAKED
    path.brakes.release(None, "incident 7 is over", "ann")
    path.wait(LONGEST_AGE)
    assert under(path.decide()) == FREE


@pytest.mark.parametrize("kind", PATHS)
def test_a_brake_of_a_domain_holds_for_the_next_decision(kind: Any) -> None:
    path = kind()
    assert under(path.decide()) == FREE
    path.brakes.set(path.domain, "incident 7", "ann")
    assert under(path.decide()) == BRAKED
    path.brakes.release(path.domain, "incident 7 is over", "ann")
    assert under(path.decide()) == FREE


def fail(reads: list[str]) -> None:
    reads.append("failed")
    raise StoreUnavailable


@pytest.mark.parametrize("kind", PATHS)
def test_while_the_brake_of_the_stage_cannot_be_read_decisions_are_at_best_step_up_and_name_it(kind: Any) -> None:
    path = kind()
    measurements.write()
    path.decide()
    path.disturb(lambda when, call: fail([]) if (when, call) == ("before", "brake") else None)
    # What was read before still counts for its time.
    assert under(path.decide()) == FREE
    path.wait(LONGEST_AGE)
    answer = path.decide()
    assert (under(answer), answer.degraded) == ((Decision.STEP_UP, Reason.SIGNAL_MISSING), ["brake"])
    assert measurements.pending()["BrakeReadFailures"] == [1.0]
    path.disturb(lambda when, call: None)
    path.wait(2 * SECOND)
    assert under(path.decide()) == FREE


def test_the_brake_of_the_stage_is_read_once_in_its_time_and_a_failing_read_is_not_tried_by_every_decision() -> None:
    path, reads = OneShot(), list[str]()
    path.disturb(lambda when, call: reads.append(when) if call == "brake" else None)
    for _ in range(3):
        path.decide()
        path.wait(SECOND)
    assert reads == ["before", "after"]
    path.wait(LONGEST_AGE)
    path.disturb(lambda when, call: fail(reads) if call == "brake" else None)
    for _ in range(3):
        path.decide()
    assert reads[2:] == ["failed"]


def test_a_clock_that_was_set_back_makes_no_state_younger() -> None:
    path = OneShot()
    path.decide()
    path.brakes.set(None, "incident 7", "ann")
    path.wait(-SECOND)
    assert under(path.decide()) == BRAKED


def test_all_that_a_deployment_adds_up_to_is_below_a_minute() -> None:
    assert timedelta(seconds=float(BRAKE_KEPT_SECONDS)) <= LONGEST_AGE
    assert LONGEST_AGE + timedelta(seconds=max(SMALL.timeout, ONE_CORE.timeout)) < timedelta(seconds=60)


@pytest.mark.parametrize("kept", [timedelta(), -SECOND, LONGEST_AGE + SECOND])
def test_a_setting_under_which_a_brake_would_hold_later_is_refused(kept: timedelta) -> None:
    world = World()
    with pytest.raises(ValueError, match="up to 20 s"):
        BrakedDomains(world.store, world.store.brakes, kept)


def test_another_brake_is_another_evaluation_and_none_keeps_the_name() -> None:
    path = Session()
    names = [path.decide().evaluation_id]
    path.brakes.set(DOMAIN, "incident 7", "ann")
    names.append(path.decide().evaluation_id)
    path.brakes.set(None, "incident 8", "ann")
    path.wait(LONGEST_AGE)
    names.append(path.decide().evaluation_id)
    assert len(set(names)) == 3
    for domain in (DOMAIN, None):
        path.brakes.release(domain, "over", "ann")
    path.wait(LONGEST_AGE)
    assert path.decide().evaluation_id == names[0]


def test_a_final_decision_of_before_stays_and_so_does_the_answer_to_its_key() -> None:
    path = EndedSession()
    final = path.decide()
    path.brakes.set(DOMAIN, "incident 7", "ann")
    assert path.line.calls.evaluate(DOMAIN, "call-1") == final
    one_shot = OneShot()
    first = one_shot.world.authenticate(speech("ann", 8), key="key")
    one_shot.brakes.set("acme", "incident 7", "ann")
    again = one_shot.world.authenticate(speech("ann", 8), key="key")
    assert (again.decision, again.decision_id) == (Decision.ACCEPT, first.decision_id)


def test_a_decision_stores_the_brakes_that_it_was_made_under_and_comes_out_the_same_again() -> None:
    path = OneShot()
    for domain in (None, "acme"):
        path.brakes.set(domain, "incident 7", "ann")
    stored = path.world.decisions.read("acme", path.decide().decision_id)
    assert stored is not None
    assert stored.policy is not None
    assert stored.case.brakes == (BrakeScope.STAGE, BrakeScope.DOMAIN)
    assert judge(stored.case, stored.policy, Calibration.parse(path.world.models.calibrations[0])) == stored.judgement


def test_an_overdue_session_is_closed_under_the_brake() -> None:
    path = Session()
    path.brakes.set(DOMAIN, "incident 7", "ann")
    path.wait(timedelta(hours=2))
    assert path.line.closing.close_overdue(lambda: 60.0) == 1
    assert under(path.decide()) == BRAKED


@pytest.fixture
def world() -> World:
    world = World()
    world.put_domain()
    return world


def test_every_change_is_kept_with_who_when_and_why(world: World) -> None:
    world.brakes.set("acme", "incident 7", "ann")
    world.now += SECOND
    world.brakes.set("acme", "incident 7, also clones", "bob")
    world.now += SECOND
    brake, changes = world.brakes.release("acme", "fixed", "ann")
    assert [(each.on, each.reason, each.changed_by, each.changed_at, each.since) for each in changes] == [
        (False, "fixed", "ann", MORNING + 2 * SECOND, MORNING + 2 * SECOND),
        (True, "incident 7, also clones", "bob", MORNING + SECOND, MORNING),
        (True, "incident 7", "ann", MORNING, MORNING),
    ]
    assert brake == changes[0]
    assert world.brakes.get("acme") == (brake, changes)


def test_the_same_request_again_changes_nothing(world: World) -> None:
    assert world.brakes.release(None, "nothing to release", "ann")[1] == []
    for _ in range(2):
        world.brakes.set(None, "incident 7", "ann")
    assert len(world.brakes.get(None)[1]) == 1
    for _ in range(2):
        world.brakes.release(None, "over", "ann")
    assert len(world.brakes.get(None)[1]) == 2


def test_a_brake_of_a_domain_that_does_not_exist_is_refused_not_set_under_a_wrong_name(world: World) -> None:
    for switch in (world.brakes.set, world.brakes.release, lambda domain, *_: world.brakes.get(domain)):
        with pytest.raises(NotFound) as refusal:
            switch("acne", "incident 7", "ann")
        assert refusal.value.code == "domain_not_found"
    assert world.store.brakes.brake("acne").version == 0


def test_a_release_that_another_change_overtook_is_refused_and_the_other_change_stays(world: World) -> None:
    world.brakes.set("acme", "incident 7", "ann")
    overtaken = Brakes(world.store.brakes, world.store, lambda: world.now)
    read = world.store.brakes.brake

    def read_and_be_overtaken(domain: str | None) -> Any:
        found = read(domain)
        world.store.brakes.brake = read  # type: ignore[method-assign]
        world.brakes.set("acme", "incident 8", "bob")
        return found

    world.store.brakes.brake = read_and_be_overtaken  # type: ignore[method-assign]
    with pytest.raises(Conflict) as refusal:
        overtaken.release("acme", "incident 7 is over", "ann")
    assert refusal.value.code == "brake_changed"
    assert (read("acme").on, read("acme").reason) == (True, "incident 8")


def test_a_domain_created_anew_is_still_under_its_brake() -> None:
    path = OneShot()
    path.brakes.set("acme", "incident 7", "ann")
    path.world.domains.delete("acme", force=True)
    path.world.now += SECOND
    path.world.put_domain(minimum_enrolment_seconds=6)
    path.world.enroll(speech("ann", 8))
    assert under(path.decide()) == BRAKED


def test_changes_and_decisions_under_a_brake_are_measured() -> None:
    path = OneShot()
    before = {name: len(measurements.pending().get(name, [])) for name in ("BrakeChanges", "BrakeOn")}
    path.decide()
    path.brakes.set("acme", "incident 7", "ann")
    path.decide()
    after = {name: len(measurements.pending().get(name, [])) for name in before}
    assert {name: after[name] - before[name] for name in before} == {"BrakeChanges": 1, "BrakeOn": 1}
