"""The training stack, which a stage has only if it sets `ml`: the state machine, its jobs, and the start of promotions.

Nothing of it costs anything while nothing is trained.
"""

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.assets import Assets
from stacks.data import DataStack
from stacks.stage import DeploymentStage, MlSettings
from stacks.workflow.definition import TrainingWorkflow
from stacks.workflow.image import TrainingImage
from stacks.workflow.jobs import JobSettings
from stacks.workflow.promotion import RegistrySettings
from stacks.workflow.rights import WorkflowRights
from stacks.workflow.trigger import ReleaseTrigger
from training.pipeline.graph import FILE, PipelineGraph
from training.pipeline.size import TrainingSize

# ops/training/content.py relies on it.
CONTENT_DAYS = 90
CHECKPOINT_DAYS = 14
FAILED = ["FAILED", "TIMED_OUT", "ABORTED"]


class MlStack(Stack):
    """Training, and the start of the release pipeline when somebody promotes a version."""

    def __init__(
        self, scope: Construct, id_: str, *, stage: DeploymentStage, data: DataStack, api: str, assets: Assets
    ) -> None:
        """Adds what the stage's settings ask for.

        Args:
            scope: of the stack.
            id_: of the stack.
            stage: settings; its `ml` is set.
            data: has the key.
            api: id of the REST API, which has the registry.
            assets: the sources.
        """
        super().__init__(scope, id_, description="Bonafide: training of models")
        assert stage.ml
        self._stage = stage
        self._registry = RegistrySettings(f"{api}.execute-api.{self.region}.{self.url_suffix}", stage.name)
        self._rights = WorkflowRights(self, stage.name, api)
        if stage.ml.size:
            self._train(stage.ml, data, assets)
        if stage.ml.repository:
            ReleaseTrigger(self, "Release", stage=stage.name, repository=stage.ml.repository, secret=stage.ml.secret)

    def _train(self, settings: MlSettings, data: DataStack, assets: Assets) -> None:
        image = TrainingImage(self, "Image", stage=self._stage, assets=assets)
        bucket = self._bucket(data)
        role = iam.Role(self, "JobRole", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
        data.key.grant_encrypt_decrypt(role)
        image.repository.grant_pull(role)
        for each in self._rights.of_jobs(bucket.bucket_arn):
            role.add_to_policy(each)
        jobs = JobSettings(
            stage=self._stage.name,
            role=role.role_arn,
            image=image.uri,
            bucket=bucket.bucket_name,
            size=settings.size,
            instance=settings.instance,
            instances=settings.instances,
            volume=settings.volume,
        )
        graph = PipelineGraph.read(assets.root / FILE, TrainingSize.read(settings.size))
        workflow = TrainingWorkflow(graph, jobs, self._registry, image.project.project_name)
        machine = self._machine(workflow)
        notes = bucket.arn_for_objects("runs/*/registered")
        for each in self._rights.of_machine(role, image.project.project_arn, notes):
            machine.add_to_role_policy(each)
        # The metadata of an object of one's own key.
        data.key.grant_decrypt(machine.role)
        CfnOutput(self, "TrainingMachine", value=machine.state_machine_arn, description="Starts a training")
        CfnOutput(self, "TrainingSize", value=settings.size, description="Size of the trainings")
        CfnOutput(self, "TrainingBucket", value=bucket.bucket_name, description="Sources and results of trainings")

    def _machine(self, workflow: TrainingWorkflow) -> sfn.StateMachine:
        log = logs.LogGroup(
            self,
            "MachineLog",
            # Policies of logs have a limited length; AWS shortens them for groups with this prefix.
            log_group_name=f"/aws/vendedlogs/states/{self._rights.machine}",
            retention=self._stage.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        return sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=self._rights.machine,
            definition_body=sfn.DefinitionBody.from_string(self.to_json_string(workflow.definition())),
            # Names of states and errors; no input, no output.
            logs=sfn.LogOptions(destination=log, level=sfn.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True,
        )

    def _bucket(self, data: DataStack) -> s3.Bucket:
        """Recordings are among the sources, so it is encrypted with the key of recordings, and everything expires."""
        return s3.Bucket(
            self,
            "Training",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=data.key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(id="content", expiration=Duration.days(CONTENT_DAYS)),
                s3.LifecycleRule(id="checkpoints", prefix="checkpoints/", expiration=Duration.days(CHECKPOINT_DAYS)),
                s3.LifecycleRule(id="unfinished", abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
            removal_policy=RemovalPolicy.RETAIN,
        )

    def tell(self, topic: sns.ITopic) -> None:
        """Tells a topic when a training fails, or when its promotion does.

        https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
        """
        detail = {"status": FAILED, "stateMachineArn": [{"suffix": f":stateMachine:{self._rights.machine}"}]}
        kind = "Step Functions Execution Status Change"
        pattern = events.EventPattern(source=["aws.states"], detail_type=[kind], detail=detail)
        events.Rule(self, "Failed", event_pattern=pattern, targets=[targets.SnsTopic(topic)])
