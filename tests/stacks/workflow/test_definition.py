"""The state machine that is generated from stages."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.synthesis import ROOT
from stacks.workflow.jobs import HOUR
from stacks.workflow.promotion import APPROVAL_POLLS
from tests.local.cloud.workflow.graphs import STAGES, small_graph, workflow
from training.pipeline.graph import FILE, PipelineGraph
from training.pipeline.size import TrainingSize

JOB = "arn:aws:states:::sagemaker:createTrainingJob.sync"
SIZES = sorted(path.stem for path in (ROOT / "training/conf/sizes").glob("*.yaml"))
type States = dict[str, Any]


def read(size: str) -> PipelineGraph:
    return PipelineGraph.read(ROOT / FILE, TrainingSize.read(size, ROOT / "training/conf/sizes"))


def machines(states: States) -> Iterator[tuple[str, States]]:
    """Yields the first state and the states of a machine, and of every machine within it."""
    yield states["StartAt"], states["States"]
    for each in states["States"].values():
        for inner in [*each.get("Branches", []), *([each["ItemProcessor"]] if "ItemProcessor" in each else [])]:
            yield from machines(inner)


def all_states(definition: States) -> Iterator[tuple[str, Any]]:
    for _, states in machines(definition):
        yield from states.items()


def successors(state: Any) -> set[str]:
    found = {state[key] for key in ("Next", "Default") if key in state}
    return found | {each["Next"] for key in ("Catch", "Choices") for each in state.get(key, [])}


def faults(definition: States) -> Iterator[str]:
    """Yields states that cannot be reached, names that lead nowhere, and states without an end."""
    for first, states in machines(definition):
        reached, waiting = set[str](), [first]
        while waiting:
            name = waiting.pop()
            if name not in states:
                yield f"{name} is no state"
            elif name not in reached:
                reached.add(name)
                waiting += successors(states[name])
        yield from (f"{name} cannot be reached" for name in states.keys() - reached)
        yield from (
            f"{name} ends nowhere"
            for name, state in states.items()
            if not successors(state) and not state.get("End") and state["Type"] not in ("Fail", "Succeed")
        )


@pytest.mark.parametrize("size", SIZES)
def test_every_stage_of_the_file_is_in_the_machine_exactly_once(size: str) -> None:
    graph = read(size)
    found = Counter(
        state["Arguments"]["AlgorithmSpecification"]["ContainerArguments"][1]
        for _, state in all_states(workflow(graph).definition())
        if state.get("Resource") == JOB
    )
    candidate = ".build/training/tiny/candidate"
    assert found == dict.fromkeys([*graph.stages, candidate], 1)


@pytest.mark.parametrize("size", SIZES)
def test_the_machine_has_no_loose_ends_and_its_names_are_unique(size: str) -> None:
    definition = workflow(read(size)).definition()
    assert list(faults(definition)) == []
    names = Counter(name for name, _ in all_states(definition))
    assert [name for name, count in names.items() if count > 1 or len(name) > 80] == []


def test_loose_ends_would_be_found(tmp_path: Path) -> None:
    definition = workflow(small_graph(tmp_path)).definition()
    definition["States"]["register"]["Next"] = "nowhere"
    del definition["States"]["image"]["Next"]
    found = set(faults(definition))
    assert "version cannot be reached" in found
    assert any("no state" in each or "cannot be reached" in each for each in found)


def test_a_stage_that_is_added_to_the_file_appears_where_it_belongs(tmp_path: Path) -> None:
    stages = yaml.safe_load(STAGES.replace("{size}", "tiny"))
    added = {
        "name": "check",
        "does": "look at the capitals",
        "environment": "product",
        "command": "python -m training.steps upper {inputs.text} {outputs.text}",
        "inputs": {"text": ".build/training/tiny/upper.txt"},
        "outputs": {"text": ".build/training/tiny/check.txt"},
    }
    before = workflow(small_graph(tmp_path)).definition()["States"]
    after = workflow(
        small_graph(tmp_path, yaml.safe_dump(stages | {"stages": [*stages["stages"], added]}))
    ).definition()
    assert "step 2" not in before
    branches = [each["StartAt"] for each in after["States"]["step 2"]["Branches"]]
    assert branches == ["parts: shards", "check"]
    assert after["States"]["step 1"]["Next"] == "step 2"


def test_each_job_has_the_very_command_of_its_stage(tmp_path: Path) -> None:
    states = dict(all_states(workflow(small_graph(tmp_path)).definition()))
    words = states["letters"]["Arguments"]["AlgorithmSpecification"]["ContainerArguments"]
    assert words == [
        "stage",
        "letters",
        "--run",
        "{% $run %}",
        "--bucket",
        "bonafide-dev-ml-training",
        "--size",
        "tiny",
    ]
    words = states["parts"]["Arguments"]["AlgorithmSpecification"]["ContainerArguments"]
    assert words[:4] == ["stage", "parts", "--shard", "{% $string($states.input.shard) %}"]


def test_shards_are_the_items_of_a_map(tmp_path: Path) -> None:
    states = workflow(small_graph(tmp_path)).definition()["States"]
    assert states["parts: shards"]["Items"] == [0, 1]
    assert states["parts: shards"]["ItemProcessor"]["StartAt"] == "parts"


def test_every_task_has_a_time_limit_and_every_job_a_heartbeat() -> None:
    for name, state in all_states(workflow(read("full")).definition()):
        if state["Type"] == "Task":
            assert state["TimeoutSeconds"] > 0, name
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
        if state.get("Resource") == JOB:
            longest = state["Arguments"]["StoppingCondition"]["MaxRuntimeInSeconds"]
            assert longest < state["TimeoutSeconds"], name
            assert HOUR // 2 < state["HeartbeatSeconds"] < longest, name


def test_nothing_is_repeated_but_what_aws_calls_transient() -> None:
    retried = {
        error
        for _, state in all_states(workflow(read("full")).definition())
        for each in state.get("Retry", [])
        for error in each["ErrorEquals"]
    }
    assert retried == {
        "CodeBuild.AccountLimitExceededException",
        "S3.S3Exception",
        "S3.SdkClientException",
        "SageMaker.AmazonSageMakerException",
        "SageMaker.ResourceLimitExceededException",
        "ThrottlingException",
    }


def test_only_stages_that_resume_run_on_spare_capacity() -> None:
    graph = read("full")
    spare = {
        name
        for name, state in all_states(workflow(graph).definition())
        if state.get("Arguments", {}).get("EnableManagedSpotTraining")
    }
    assert spare == {name for name, stage in graph.stages.items() if stage.resumes} != set()


def test_names_of_jobs_fit_sagemaker_in_every_stage_of_deployment() -> None:
    for _, state in all_states(workflow(read("full")).definition()):
        if state.get("Resource") == JOB:
            prefix = re.findall(r"'(.*)' &", state["Arguments"]["TrainingJobName"])[0]
            assert len(prefix.replace("-dev-", "-production-")) + 12 <= 63
            assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", f"{prefix}0123456789ab")


def test_waiting_for_a_promotion_stays_within_the_events_of_an_execution() -> None:
    training = sum(1 for _ in all_states(workflow(read("full")).definition())) * 5
    assert APPROVAL_POLLS * 9 + training < 25_000
