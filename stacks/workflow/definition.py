"""The state machine of a training, out of its graph of stages: no stage is written twice.

Amazon States Language with JSONata, https://states-language.net/spec.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stacks.workflow.jobs import HOUR, JobSettings, State, States
from stacks.workflow.promotion import RegistrySettings
from training.pipeline.graph import PipelineGraph, PipelineStage

IMAGE_SECONDS = HOUR
# A machine that AWS itself would end only after a year.
LONGEST_DAYS = 30


@dataclass(frozen=True, slots=True)
class TrainingWorkflow:
    """A state machine that trains, registers, and waits until somebody promotes what was trained.

    Attributes:
        graph: of the stages.
        jobs: how stages run.
        registry: of model versions.
        builder: name of the project that builds the image.
    """

    graph: PipelineGraph
    jobs: JobSettings
    registry: RegistrySettings
    builder: str

    def definition(self) -> State:
        """Returns the machine in Amazon States Language."""
        levels = list(self._levels())
        names = [self._level_name(number, level) for number, level in enumerate(levels)]
        states: States = {"run": self._named("image"), "image": self._image(names[0])}
        for level, name, following in zip(levels, names, [*names[1:], "register"], strict=True):
            states |= self._level(level, name, {"Next": following})
        candidate = f".build/training/{self.jobs.size}/candidate"
        states |= self.jobs.states("register", ["register", candidate, *self.registry.arguments()], {"Next": "version"})
        states |= self.registry.states(self.jobs.bucket)
        return {
            "Comment": "Trains a model from training/stages.yaml, registers it, and waits for its promotion",
            "QueryLanguage": "JSONata",
            "TimeoutSeconds": LONGEST_DAYS * 24 * HOUR,
            "StartAt": "run",
            "States": states,
        }

    def _levels(self) -> Sequence[list[PipelineStage]]:
        """Groups the stages: each comes in the group after the last one that it needs."""
        depth: dict[str, int] = {}
        for name in self.graph.stages:
            depth[name] = 1 + max((depth[each] for each in self.graph.needs(name)), default=-1)
        groups: list[list[PipelineStage]] = [[] for _ in range(1 + max(depth.values()))]
        for name, number in depth.items():
            groups[number].append(self.graph.stages[name])
        return groups

    def _level_name(self, number: int, level: Sequence[PipelineStage]) -> str:
        return self._first(level[0]) if len(level) == 1 else f"step {number + 1}"

    def _first(self, stage: PipelineStage) -> str:
        return f"{stage.name}: shards" if stage.shards else stage.name

    def _level(self, level: Sequence[PipelineStage], name: str, end: State) -> States:
        if len(level) == 1:
            return self._stage(level[0], end)
        branches = [{"StartAt": self._first(each), "States": self._stage(each, {"End": True})} for each in level]
        return {name: {"Type": "Parallel", "Branches": branches, **end}}

    def _stage(self, stage: PipelineStage, end: State) -> States:
        if not stage.shards:
            return self.jobs.stage_states(stage, end)
        processor: dict[str, Any] = {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": stage.name,
            "States": self.jobs.stage_states(stage, {"End": True}),
        }
        return {
            self._first(stage): {
                "Type": "Map",
                "Items": list(range(stage.shards)),
                "ItemSelector": {"shard": "{% $states.context.Map.Item.Value %}"},
                "ItemProcessor": processor,
                **end,
            }
        }

    def _named(self, following: str) -> State:
        """Names the run by its execution, so that one machine can run twice at a time.

        Whoever starts it may say that somebody is going to promote the candidate although its gates fail.
        """
        known = {
            "run": "{% $states.context.Execution.Name %}",
            "despite_gates": "{% $states.input.despite_gates = true %}",
        }
        return {"Type": "Pass", "Assign": known, "Next": following}

    def _image(self, following: str) -> State:
        """Builds the container image of this very code, if nobody has yet.

        https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html
        """
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::codebuild:startBuild.sync",
            "Arguments": {"ProjectName": self.builder},
            "TimeoutSeconds": IMAGE_SECONDS,
            "Retry": [
                {"ErrorEquals": ["CodeBuild.AccountLimitExceededException"], "IntervalSeconds": 60, "MaxAttempts": 30}
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "image: failed", "Output": "{% $states.errorOutput %}"}],
            "Next": following,
        }
