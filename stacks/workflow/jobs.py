"""Training jobs of SageMaker as tasks of a state machine.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.pipeline.graph import PipelineStage

type State = dict[str, Any]
type States = dict[str, State]

# In the image (training/Dockerfile).
ROOT = "/opt/bonafide"
PYTHON = "/opt/product/bin/python"
# Where the pipeline's runner keeps what a stage that resumes continues from.
SCRATCH = f"{ROOT}/.build/training/scratch"
RUN = "{% $run %}"

HOUR = 3600
LONGEST_HOURS = 24
# A job on demand starts within minutes, one on spare capacity when there is some.
START_SECONDS = HOUR // 2
SPOT_SECONDS = 4 * HOUR
LONGEST_JOB_NAME = 63
CAPACITY_WAIT_SECONDS = 600
CAPACITY_ATTEMPTS = 6

# Only what AWS names as transient: its own faults, throttling, and quotas that other jobs use at the moment.
# https://docs.aws.amazon.com/step-functions/latest/dg/sample-train-model.html
RETRIED = [
    {
        "ErrorEquals": ["SageMaker.AmazonSageMakerException", "ThrottlingException"],
        "IntervalSeconds": 5,
        "MaxAttempts": 8,
        "BackoffRate": 2,
        "MaxDelaySeconds": 300,
        "JitterStrategy": "FULL",
    },
    {
        "ErrorEquals": ["SageMaker.ResourceLimitExceededException"],
        "IntervalSeconds": 300,
        "MaxAttempts": 72,
        "BackoffRate": 1,
    },
]
# A job that began and failed says in its description whether another one may succeed: all else is the stage's failure.
# https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
TRANSIENT = ("CapacityError", "InternalServerError")


@dataclass(frozen=True, slots=True)
class JobSettings:
    """Settings that all jobs share.

    Attributes:
        stage: of the deployment.
        role: ARN of the role of the jobs.
        image: URI of the container image.
        bucket: of the training.
        size: of the training.
        instance: type for stages that have none of their own.
        instances: types by stage.
        volume: of each job, in GB.
    """

    stage: str
    role: str
    image: str
    bucket: str
    size: str
    instance: str
    instances: Mapping[str, str]
    volume: int

    def stage_states(self, stage: PipelineStage, end: State) -> States:
        """Returns the states that run a stage, or one shard of it.

        Args:
            stage: to run.
            end: `Next` or `End` of the last one.
        """
        command = ["stage", stage.name, *(["--shard", "{% $string($states.input.shard) %}"] if stage.shards else [])]
        return self.states(stage.name, command, end, resumes=stage.resumes)

    def states(self, name: str, command: Sequence[str], end: State, *, resumes: bool = False) -> States:
        """Returns the states that run one job, and repeat it as long as SageMaker has no capacity for it.

        Args:
            name: of the first state.
            command: of `python -m ops.training`, without what all share.
            end: `Next` or `End` of the first state.
            resumes: whether it continues from where it was, so that spare capacity may be taken from it.
        """
        failed, why, wait = f"{name}: failed", f"{name}: why", f"{name}: wait for capacity"
        seconds = LONGEST_HOURS * HOUR
        start = SPOT_SECONDS if resumes else START_SECONDS
        task = {
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
            "Arguments": self._job(name, command, seconds, resumes=resumes),
            "TimeoutSeconds": seconds + start + HOUR,
            # The container sends one a minute, but only once it runs.
            "HeartbeatSeconds": start + HOUR // 2,
            "Retry": RETRIED,
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": why, "Output": _FAILURE}],
            **end,
        }
        again = f"$contains($states.input.Cause, /^({'|'.join(TRANSIENT)})/)"
        return {
            name: task,
            why: {
                "Type": "Choice",
                "Choices": [
                    {
                        "Condition": f"{{% {again} and $states.input.attempt < {CAPACITY_ATTEMPTS} %}}",
                        "Next": wait,
                    }
                ],
                "Default": failed,
            },
            wait: {"Type": "Wait", "Seconds": CAPACITY_WAIT_SECONDS, "Next": name},
            failed: {
                "Type": "Fail",
                "Error": f"StageFailed.{name}",
                "Cause": "{% $states.input.Error & ': ' & $states.input.Cause %}",
            },
        }

    def _job(self, name: str, command: Sequence[str], seconds: int, *, resumes: bool) -> State:
        shared = ["--run", RUN, "--bucket", self.bucket, "--size", self.size]
        prefix = f"bonafide-{self.stage}-{name}-"
        if len(prefix) + 12 > LONGEST_JOB_NAME:
            raise ValueError(f"{name} is too long for a name of SageMaker")
        spot = {"EnableManagedSpotTraining": True, "CheckpointConfig": self._checkpoints(name)} if resumes else {}
        longest = {"MaxRuntimeInSeconds": seconds}
        return {
            # 48 random bits: names of jobs are never free again.
            "TrainingJobName": f"{{% '{prefix}' & $substring($uuid(), 24) %}}",
            "RoleArn": self.role,
            "AlgorithmSpecification": {
                "TrainingImage": self.image,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": [PYTHON, "-m", "ops.training"],
                "ContainerArguments": [*command, *shared],
            },
            # The token lets nobody do anything who has no right to send heartbeats.
            "HyperParameters": {"task_token": "{% $states.context.Task.Token %}"},
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/sagemaker/"},
            "ResourceConfig": {
                "InstanceType": self.instances.get(name, self.instance),
                "InstanceCount": 1,
                "VolumeSizeInGB": self.volume,
            },
            "StoppingCondition": longest | ({"MaxWaitTimeInSeconds": seconds + SPOT_SECONDS} if resumes else {}),
            "Tags": [{"Key": "application", "Value": "bonafide"}, {"Key": "stage", "Value": self.stage}],
            **spot,
        }

    def _checkpoints(self, name: str) -> State:
        # A shard adds its number; without one, joining nothing adds nothing.
        place = f"'s3://{self.bucket}/checkpoints/' & $run & '/{name}/' & $string($states.input.shard)"
        return {"LocalPath": SCRATCH, "S3Uri": f"{{% {place} %}}"}


# The reason out of the description of a job that failed, or whatever else went wrong.
_KEY = '\'"FailureReason":"\''
_REASON = (
    f"$contains($states.errorOutput.Cause, {_KEY}) "
    f"? $substringBefore($substringAfter($states.errorOutput.Cause, {_KEY}), '\"') : $states.errorOutput.Cause"
)
_FAILURE = (
    "{% {'shard': $states.input.shard, 'attempt': $sum([$states.input.attempt, 1]), "
    f"'Error': $states.errorOutput.Error, 'Cause': {_REASON}}} %}}"
)
