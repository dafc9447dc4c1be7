"""The container image of the training: whoever starts the state machine has it built, in AWS.

`cdk deploy` uploads the sources and needs no container engine.
"""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.assets import Assets
from stacks.stage import DeploymentStage

# An image costs as long as it is kept; one that was deleted is built again by the next run.
KEPT = Duration.days(30)
BUILD = """\
if aws ecr describe-images --repository-name "$REPOSITORY" --image-ids "imageTag=$TAG" > /dev/null 2>&1; then
  echo "the image of these sources is there"
else
  set -eu
  aws ecr get-login-password | docker login --username AWS --password-stdin "${IMAGE%%/*}"
  docker build --tag "$IMAGE" --file training/Dockerfile .
  docker push "$IMAGE"
fi
"""


class TrainingImage(Construct):
    """A repository for the image of the present sources, and the project that builds it.

    Attributes:
        repository: holds it.
        project: builds it, unless it is there.
        uri: of the image.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: DeploymentStage, assets: Assets) -> None:
        super().__init__(scope, id_)
        self.repository = ecr.Repository(
            self,
            "Repository",
            # The tag is the digest of the sources.
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            image_scan_on_push=True,
            lifecycle_rules=[ecr.LifecycleRule(max_image_age=KEPT)],
            removal_policy=RemovalPolicy.DESTROY,
            empty_on_delete=True,
        )
        source, stack = assets.training(self, "Source"), Stack.of(self)
        host = f"{stack.account}.dkr.ecr.{stack.region}.{stack.url_suffix}"
        self.uri = f"{host}/{self.repository.repository_name}:{source.asset_hash}"
        self.project = self._project(stage, source)

    def _project(self, stage: DeploymentStage, source: s3_assets.Asset) -> codebuild.Project:
        log_group = logs.LogGroup(self, "Log", retention=stage.log_retention, removal_policy=RemovalPolicy.DESTROY)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"))
        variables = {"REPOSITORY": self.repository.repository_name, "TAG": source.asset_hash, "IMAGE": self.uri}
        project = codebuild.Project(
            self,
            "Project",
            project_name=f"bonafide-{stage.name}-training",
            description="Builds the container image of the training",
            role=role,
            source=codebuild.Source.s3(bucket=source.bucket, path=source.s3_object_key),
            environment=codebuild.BuildEnvironment(
                build_image=codebuild.LinuxBuildImage.STANDARD_7_0,
                compute_type=codebuild.ComputeType.MEDIUM,
                # Docker runs in the build.
                privileged=True,
            ),
            environment_variables={name: codebuild.BuildEnvironmentVariable(value=v) for name, v in variables.items()},
            build_spec=codebuild.BuildSpec.from_object(
                {"version": "0.2", "phases": {"build": {"commands": [BUILD]}}},
            ),
            logging=codebuild.LoggingOptions(cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=log_group)),
            timeout=Duration.hours(1),
            grant_report_group_permissions=False,
        )
        self.repository.grant_pull_push(role)
        role.add_to_policy(self._describe())
        return project

    def _describe(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(actions=["ecr:DescribeImages"], resources=[self.repository.repository_arn])
