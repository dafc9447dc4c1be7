"""Promotions carried out against a stack, and reported whatever becomes of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from ops.promotion.__main__ import PromotionError, StagePromotion
from ops.promotion.archive import BuildError
from tests.ops.promotion.parts import FIRST, SECOND, Formation, RegistryClient

ALARM = "alarm authenticate_caller-score-drift"


@dataclass
class Pipeline:
    """A release pipeline with its stage, whose champion is the first candidate and runs."""

    registry: RegistryClient = field(default_factory=RegistryClient)
    formation: Formation = field(default_factory=lambda: Formation(FIRST.digest))
    built: list[tuple[str, str]] = field(default_factory=list)
    made: list[Sequence[str]] = field(default_factory=list)
    waited: int = 0

    def __post_init__(self) -> None:
        self.registry.champion(FIRST)
        self.deploys: Callable[[], int] = self.succeed

    def succeed(self) -> int:
        self.formation.model = self.built[-1][1]
        return 0

    def take_back(self) -> int:
        self.formation.taken_back(self.built[-1][1], ALARM)
        return 1

    def build(self, revision: str, digest: str) -> Path:
        self.built.append((revision, digest))
        return Path("archive")

    def make(self, arguments: Sequence[str]) -> int:
        self.made.append(arguments)
        return self.deploys()

    def run(self, id_: str, traffic: str = "", *, settle: bool = False) -> int:
        promotion = StagePromotion(
            "dev",
            self.registry,  # type: ignore[arg-type]  # the calls that it needs
            self.build,
            self.make,
            self.pause,
            formation=self.formation,
        )
        return promotion.run(id_, traffic=traffic, settle=settle)

    def pause(self, _seconds: float) -> None:
        self.waited += 1

    def state(self, id_: str) -> tuple[str, str, str]:
        found = self.registry.promotion(id_)
        return found["state"], found["detail"], self.registry.aliases()["champion"]


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


def test_a_promotion_deploys_the_released_revision_with_the_bundle_and_reports_it(pipeline: Pipeline) -> None:
    id_ = pipeline.registry.ask("promote", SECOND)
    assert pipeline.run(id_) == 0
    assert pipeline.built == [("1f2e3d4c5b6a", SECOND.digest)]
    assert pipeline.made == [["deploy", "STAGE=dev", "RELEASE=archive", f"PROMOTION={id_}"]]
    assert pipeline.state(id_) == ("SUCCEEDED", "deployed", SECOND.digest)


def test_a_challenger_that_the_canary_takes_back_leaves_the_champion_and_says_why(pipeline: Pipeline) -> None:
    pipeline.deploys = pipeline.take_back
    id_ = pipeline.registry.ask("promote", SECOND)
    assert pipeline.run(id_) == 1
    assert pipeline.state(id_) == ("FAILED", f"AuthenticateCallerAlias: {ALARM}", FIRST.digest)


def test_a_rollback_is_a_release_of_the_former_champion_and_may_shift_all_traffic_at_once(pipeline: Pipeline) -> None:
    pipeline.run(pipeline.registry.ask("promote", SECOND))
    id_ = pipeline.registry.ask("rollback")
    assert pipeline.run(id_, "ALL_AT_ONCE") == 0
    reason = f"REASON=rollback of the model to {FIRST.digest[:12]}"
    assert pipeline.made[1][3:] == [f"PROMOTION={id_}", reason, "TRAFFIC=ALL_AT_ONCE"]
    assert pipeline.state(id_) == ("SUCCEEDED", "deployed", FIRST.digest)


def test_a_model_that_callers_have_not_met_is_not_given_all_traffic_at_once(pipeline: Pipeline) -> None:
    id_ = pipeline.registry.ask("promote", SECOND)
    with pytest.raises(PromotionError, match="only a rollback"):
        pipeline.run(id_, "ALL_AT_ONCE")
    assert pipeline.state(id_)[0] == "PENDING"


def test_what_runs_already_becomes_the_champion_without_a_release(pipeline: Pipeline) -> None:
    pipeline.formation.model = SECOND.digest
    id_ = pipeline.registry.ask("promote", SECOND)
    assert pipeline.run(id_) == 0
    assert pipeline.made == []
    assert pipeline.state(id_) == ("SUCCEEDED", "deployed", SECOND.digest)


class Killed(BaseException):
    """The job is killed."""


def kill(effect: Callable[[], object] = lambda: None) -> Callable[[], int]:
    def die() -> int:
        effect()
        raise Killed

    return die


def interrupted(pipeline: Pipeline, effect: Callable[[], object]) -> str:
    """Asks for a promotion whose job is killed while it deploys; returns its id."""
    pipeline.deploys = kill(effect)
    id_ = pipeline.registry.ask("promote", SECOND)
    with pytest.raises(Killed):
        pipeline.run(id_)
    assert pipeline.state(id_)[0] == "PENDING"
    pipeline.deploys = pytest.fail
    return id_


@pytest.mark.parametrize("settle", [False, True])
def test_a_pipeline_that_was_killed_while_cloudformation_went_on_reports_what_became_of_it(
    pipeline: Pipeline, settle: bool
) -> None:
    id_ = interrupted(pipeline, pipeline.succeed)
    pipeline.formation.statuses = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert pipeline.run(id_, settle=settle) == 0
    assert pipeline.waited == 2
    assert pipeline.state(id_) == ("SUCCEEDED", "deployed", SECOND.digest)


@pytest.mark.parametrize("settle", [False, True])
def test_a_release_that_was_taken_back_while_nobody_looked_is_reported_and_not_begun_again(
    pipeline: Pipeline, settle: bool
) -> None:
    id_ = interrupted(pipeline, pipeline.take_back)
    assert pipeline.run(id_, settle=settle) == 1
    assert len(pipeline.made) == 1
    assert pipeline.state(id_) == ("FAILED", f"AuthenticateCallerAlias: {ALARM}", FIRST.digest)


def test_a_pipeline_that_was_killed_before_it_changed_anything_goes_on_when_it_is_started_again(
    pipeline: Pipeline,
) -> None:
    id_ = interrupted(pipeline, lambda: None)
    # The failed release of another bundle is none of this promotion's, and neither is one of before its request.
    pipeline.formation.taken_back("0" * 64, ALARM)
    pipeline.formation.events.reverse()
    pipeline.formation.taken_back(SECOND.digest, ALARM, after=-timedelta(minutes=1))
    pipeline.formation.events.reverse()
    pipeline.deploys = pipeline.succeed
    assert pipeline.run(id_) == 0
    assert len(pipeline.made) == 2


def test_settling_begins_nothing_and_says_so(pipeline: Pipeline) -> None:
    id_ = interrupted(pipeline, lambda: None)
    assert pipeline.run(id_, settle=True) == 1
    assert len(pipeline.made) == 1
    assert pipeline.state(id_) == ("FAILED", "no deployment was begun", FIRST.digest)


def test_a_promotion_that_was_reported_is_not_carried_out_again(pipeline: Pipeline) -> None:
    id_ = pipeline.registry.ask("promote", SECOND)
    assert [pipeline.run(id_), pipeline.run(id_), pipeline.run(id_, settle=True)] == [0, 0, 0]
    assert len(pipeline.made) == 1
    pipeline.formation.model = FIRST.digest
    assert pipeline.run(id_) == 0


def test_a_deployment_that_was_refused_and_a_revision_that_cannot_be_built_are_failures_too(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.deploys = lambda: 2
    refused = pipeline.registry.ask("promote", SECOND)
    assert pipeline.run(refused) == 1
    assert "status 2 before it changed a function" in pipeline.state(refused)[1]

    def broken(_revision: str, _digest: str) -> Path:
        raise BuildError("no such\ncommit")

    monkeypatch.setattr(pipeline, "build", broken)
    unbuilt = pipeline.registry.ask("promote", SECOND)
    assert pipeline.run(unbuilt) == 1
    assert pipeline.state(unbuilt) == ("FAILED", "not built: no such commit", FIRST.digest)


def test_a_stack_whose_rollback_failed_is_left_to_a_person_and_the_promotion_stays_pending(pipeline: Pipeline) -> None:
    pipeline.formation.statuses = ["UPDATE_ROLLBACK_FAILED"]
    id_ = pipeline.registry.ask("promote", SECOND)
    with pytest.raises(PromotionError, match="make rollback STAGE=dev"):
        pipeline.run(id_)
    assert pipeline.state(id_)[0] == "PENDING"


def test_the_digest_of_the_event_has_to_be_the_promotions(pipeline: Pipeline) -> None:
    id_ = pipeline.registry.ask("promote", SECOND)
    promotion = StagePromotion(
        "dev",
        pipeline.registry,
        pipeline.build,
        pipeline.make,
        formation=pipeline.formation,  # type: ignore[arg-type]
    )
    with pytest.raises(PromotionError, match="is one of"):
        promotion.run(id_, digest=FIRST.digest)
