"""Rights of the state machine, and of the jobs that it starts."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam

_COLON = ArnFormat.COLON_RESOURCE_NAME
# Step Functions learns by these rules that a job ended; the names are AWS's.
# https://docs.aws.amazon.com/step-functions/latest/dg/sagemaker-iam.html
# https://docs.aws.amazon.com/step-functions/latest/dg/codebuild-iam.html
RULES = ("StepFunctionsGetEventsForSageMakerTrainingJobsRule", "StepFunctionsGetEventForCodeBuildStartBuildRule")
HISTORY_ROUTES = ("GET/v1/promotions",)
REGISTER_ROUTES = ("GET/v1/registry", "GET/v1/models/*", "POST/v1/models", "POST/v1/models/*/registration")


class WorkflowRights:
    """Statements for one stage's training."""

    def __init__(self, stack: Stack, stage: str, api: str) -> None:
        """Takes the stack, the stage's name, and the id of its API."""
        self._stack = stack
        self._stage = stage
        self._api = api

    def of_machine(self, job_role: iam.IRole, builder: str, notes: str) -> Sequence[iam.PolicyStatement]:
        """Returns the statements of the state machine's role.

        Args:
            job_role: that it hands to jobs.
            builder: ARN of the project that builds the image.
            notes: ARN of the objects in which jobs leave notes.
        """
        rules = [self._arn("events", "rule", each) for each in RULES]
        passed = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        return [
            _allow(
                [
                    "sagemaker:CreateTrainingJob",
                    "sagemaker:DescribeTrainingJob",
                    "sagemaker:StopTrainingJob",
                    "sagemaker:AddTags",
                    "sagemaker:ListTags",
                ],
                [self._arn("sagemaker", "training-job", f"bonafide-{self._stage}-*")],
            ),
            _allow(["iam:PassRole"], [job_role.role_arn], conditions=passed),
            _allow(["codebuild:StartBuild", "codebuild:StopBuild", "codebuild:BatchGetBuilds"], [builder]),
            _allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], rules),
            _allow(["s3:GetObject"], [notes]),
            _allow(["execute-api:Invoke"], self._routes(HISTORY_ROUTES)),
        ]

    def of_jobs(self, bucket: str) -> Sequence[iam.PolicyStatement]:
        """Returns the statements of the jobs' role, besides those for the image and the key.

        Args:
            bucket: ARN of the training's bucket.
        """
        groups = self._stack.format_arn(
            service="logs", resource="log-group", resource_name="/aws/sagemaker/TrainingJobs*", arn_format=_COLON
        )
        return [
            _allow(["s3:ListBucket"], [bucket]),
            _allow(["s3:GetObject", "s3:PutObject"], [f"{bucket}/*"]),
            # SageMaker deletes there what a job deletes.
            _allow(["s3:DeleteObject"], [f"{bucket}/checkpoints/*"]),
            _allow(["execute-api:Invoke"], self._routes(REGISTER_ROUTES)),
            _allow(
                ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                [groups],
            ),
            # A task token names its task; AWS has no narrower resource than the machine.
            _allow(["states:SendTaskHeartbeat"], [self._arn("states", "stateMachine", self.machine, _COLON)]),
        ]

    @property
    def machine(self) -> str:
        """Name of the state machine."""
        return f"bonafide-{self._stage}-training"

    def _routes(self, routes: Sequence[str]) -> list[str]:
        prefix = self._arn("execute-api", self._api, self._stage)
        return [f"{prefix}/{each}" for each in routes]

    def _arn(self, service: str, resource: str, name: str, form: ArnFormat | None = None) -> str:
        return self._stack.format_arn(service=service, resource=resource, resource_name=name, arn_format=form)


def _allow(
    actions: Sequence[str], resources: Sequence[str], conditions: dict[str, dict[str, str]] | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)
