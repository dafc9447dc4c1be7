"""What answers: layers, functions with their permissions, and the REST API in front of them."""

import json
from collections.abc import Sequence

import jsii
from aws_cdk import Duration, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as events_targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from constructs import Construct

from stacks.assets import Assets
from stacks.constructs.api import Api
from stacks.constructs.function import ONE_CORE, PATIENT, SMALL, Function, Program, Released, Size
from stacks.constructs.release import Release, Releases, Wave
from stacks.constructs.watches import ANSWERING, DECIDING, ERRORS, SCORING, Watch
from stacks.data import DataStack
from stacks.slo import Objectives
from stacks.stage import Stage

# What Powertools does to remember answers.
IDEMPOTENCY = ("GetItem", "PutItem", "UpdateItem", "DeleteItem")

# A speaker is read together with the domain, and written only while the domain stands.
READ_SPEAKER = ("BatchGetItem",)
WRITE_SPEAKER = ("ConditionCheckItem", "PutItem")

UPLOADED = "uploads/*"
KEPT = "kept/*"

# Four seconds of wideband audio are 170 KB in the stream: a batch holds what one environment scores in a second.
BATCH = 8
PARALLEL_BATCHES = 4

# The tenant of golden calls, which count in no statistic of callers.
PROBE_DOMAIN = "bonafide-probe"

# What a hook asks CodeDeploy and tells it; CodeDeploy does not say which resources these calls are about.
REPORTING = ("ListDeploymentTargets", "BatchGetDeploymentTargets", "PutLifecycleEventHookExecutionStatus")

# An environment has one core: more threads would only wait for each other.
THREADS = ("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")

DOMAIN = "/v1/domains/{domain}"
SESSION = f"{DOMAIN}/sessions/{{session}}"
SPEAKER = f"{DOMAIN}/speakers/{{speaker}}"


@jsii.implements(lambda_.IEventSourceDlq)
class SetAside:
    """Where Lambda puts records that fail again and again; CDK's own would also grant reading and deleting them."""

    def __init__(self, bucket_arn: str) -> None:
        self._bucket_arn = bucket_arn

    def bind(
        self,
        target: lambda_.IEventSourceMapping,  # noqa: ARG002, the interface's names
        target_handler: lambda_.IFunction,  # noqa: ARG002
    ) -> lambda_.DlqDestinationConfig:
        """Names the bucket; what may be written there is granted by the stack."""
        return lambda_.DlqDestinationConfig(destination=self._bucket_arn)


class ServiceStack(Stack):
    """The stateless half: it can be deleted and deployed again without losing anything."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, data: DataStack, assets: Assets) -> None:
        super().__init__(scope, id_, description="Bonafide: functions and REST API")
        self._stage = stage
        self._data = data
        self._assets = assets
        self._core = [self._layer("Runtime", assets.runtime()), self._layer("Core", assets.core())]
        self._with_models = [*self._core, self._layer("Model", assets.model())]
        self._model_environment = {
            **dict.fromkeys(THREADS, "1"),
            "BONAFIDE_BUNDLE_DIR": "/opt/bundle",
            "BONAFIDE_BUNDLE_DIGEST": assets.bundle_digest(),
        }
        self._api = Api(self, "Api", stage=stage)
        self._golden = [*self._core, self._layer("Golden", assets.golden())]
        self._functions: dict[str, Released] = {}
        self._probe = Function(self, "ProbeRelease", self._probing("probe_release"), stage.log_retention)
        self._releases = Releases(self, "Releases", stage=stage, hook=self._probe.latest)
        # In the order of their release: whoever reads what others write comes first.
        self._add_authentication()
        self._add_sessions()
        self._add_closing()
        self._add_speakers()
        self._add_enrollment()
        self._add_scoring()
        self._add_domains()
        self._add_intake()
        self._add_description()
        self._add_probes()
        self._releases.settle(self._functions)

    def _add_domains(self) -> None:
        function = self._released("ManageDomains", self._release("manage_domains", Wave.WRITERS, ANSWERING))
        self._allow(function, self._data.tenants, "GetItem", "Query", "PutItem", "DeleteItem")
        self._allow(function, self._data.idempotency, *IDEMPOTENCY)
        # An upload happens with the permissions of whoever presigned it.
        self._allow_audio(function, PutObject=UPLOADED, DeleteObject=KEPT)
        for method in ("PUT", "GET", "DELETE"):
            self._api.route(method, DOMAIN, function.alias)
        self._api.route("POST", f"{DOMAIN}/uploads", function.alias)

    def _add_speakers(self) -> None:
        function = self._released("ManageSpeakers", self._release("manage_speakers", Wave.READERS, ANSWERING))
        self._allow(function, self._data.tenants, *READ_SPEAKER, "GetItem", "Query", *WRITE_SPEAKER, "DeleteItem")
        self._allow(function, self._data.idempotency, *IDEMPOTENCY)
        self._allow_audio(function, DeleteObject=KEPT)
        self._api.route("GET", f"{DOMAIN}/speakers", function.alias)
        self._api.route("GET", SPEAKER, function.alias)
        self._api.route("DELETE", SPEAKER, function.alias)
        self._api.route("POST", f"{SPEAKER}/opt-out", function.alias)

    def _add_enrollment(self) -> None:
        function = self._released(
            "EnrollSpeaker", self._release("enroll_speaker", Wave.WRITERS, ANSWERING), models=True
        )
        self._allow(function, self._data.tenants, *READ_SPEAKER, *WRITE_SPEAKER)
        self._allow(function, self._data.idempotency, *IDEMPOTENCY)
        self._allow_audio(function, GetObject=UPLOADED, PutObject=KEPT, DeleteObject=KEPT)
        self._api.route("POST", f"{SPEAKER}/enrollments", function.alias)

    def _add_authentication(self) -> None:
        function = self._released(
            "AuthenticateCaller",
            self._release("authenticate_caller", Wave.READERS, (*ANSWERING, *DECIDING)),
            models=True,
        )
        self._allow(function, self._data.tenants, *READ_SPEAKER)
        self._allow(function, self._data.decisions, "GetItem", "PutItem")
        self._allow(function, self._data.idempotency, *IDEMPOTENCY)
        self._allow_audio(function, GetObject=UPLOADED, PutObject=KEPT, DeleteObject=KEPT)
        self._api.route("POST", f"{SPEAKER}/authentications", function.alias)

    def _add_sessions(self) -> None:
        manage = self._released(
            "ManageSessions",
            self._release("manage_sessions", Wave.READERS, (*ANSWERING, *DECIDING)),
            models=True,
            size=SMALL,
        )
        self._allow_judging(manage)
        self._allow(manage, self._data.idempotency, *IDEMPOTENCY)
        self._api.route("POST", f"{DOMAIN}/sessions", manage.alias)
        self._api.route("GET", SESSION, manage.alias)
        self._api.route("PUT", f"{SESSION}/speaker", manage.alias)
        self._api.route("GET", f"{SESSION}/evaluation", manage.alias)

    def _add_intake(self) -> None:
        ingest = self._released("IngestAudio", self._release("ingest_audio", Wave.DOORS, ANSWERING))
        self._allow(ingest, self._data.sessions, "GetItem", "PutItem")
        self._allow(ingest, self._data.tenants, "GetItem")
        self._allow(ingest, self._data.idempotency, *IDEMPOTENCY)
        self._data.stream.grant(ingest.role, "kinesis:PutRecord", "kinesis:ListShards")
        self._api.route("PUT", f"{SESSION}/audio/{{n}}", ingest.alias)
        self._api.route("POST", f"{SESSION}/end", ingest.alias)

    def _add_closing(self) -> None:
        close = self._released(
            "CloseSessions", self._release("close_sessions", Wave.READERS, (ERRORS, *DECIDING)), models=True, size=SMALL
        )
        self._allow_judging(close)
        self._allow(close, self._data.sessions, "DeleteItem")
        self._allow(close, self._data.tenants, "GetItem")
        self._grant(close, "dynamodb:Query", f"{self._data.sessions.table_arn}/index/due")
        self._every_minute("EveryMinute", close.alias)

    def _add_scoring(self) -> None:
        function = self._released(
            "ScoreAudio", self._release("score_audio", Wave.WRITERS, (*SCORING, *DECIDING)), models=True
        )
        self._allow_judging(function)
        self._allow(function, self._data.sessions, "UpdateItem")
        self._allow(function, self._data.tenants, "GetItem")
        self._grant(function, "s3:PutObject", self._data.failures.arn_for_objects("*"))
        # Lambda looks whether the bucket is there.
        self._grant(function, "s3:ListBucket", self._data.failures.bucket_arn)
        source = event_sources.KinesisEventSource(
            self._data.stream,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=BATCH,
            max_batching_window=Duration.seconds(0),
            parallelization_factor=PARALLEL_BATCHES,
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            retry_attempts=5,
            max_record_age=Duration.minutes(10),
            on_failure=SetAside(self._data.failures.bucket_arn),
        )
        function.alias.add_event_source(source)

    def _allow_judging(self, function: Function) -> None:
        """Reading a call's evidence, whom it is held against, and writing what was decided."""
        self._allow(function, self._data.sessions, "GetItem", "BatchGetItem", "PutItem", "Query")
        self._allow(function, self._data.tenants, *READ_SPEAKER)
        self._allow(function, self._data.decisions, "GetItem", "PutItem")

    def _add_description(self) -> None:
        function = self._released("DescribeService", self._release("describe_service", Wave.DOORS, ANSWERING))
        self._api.route("GET", "/v1/health", function.alias, public=True)
        self._api.route("GET", "/v1/openapi.json", function.alias, public=True)
        self._api.route("GET", "/v1/docs", function.alias, public=True)

    def _add_probes(self) -> None:
        """What knows the right answers: the hook of releases, and a caller that never sleeps."""
        names = {service: function.latest.function_name for service, function in self._functions.items()}
        self._probe.latest.add_environment("BONAFIDE_PROBED_FUNCTIONS", self.to_json_string(names))
        for function in self._functions.values():
            self._grant(self._probe, "lambda:InvokeFunction", f"{function.latest.function_arn}:*")
        for action in REPORTING:
            self._grant(self._probe, f"codedeploy:{action}", "*")
        caller = Function(self, "ProbeService", self._probing("probe_service"), self._stage.log_retention)
        caller.latest.add_environment("BONAFIDE_PROBED_ENDPOINT", self._api.url)
        self._grant(caller, "execute-api:Invoke", self._api.arn)
        self._every_minute("SyntheticCalls", caller.latest)

    def _every_minute(self, id_: str, function: lambda_.IFunction) -> None:
        targets = [events_targets.LambdaFunction(function)]
        events.Rule(self, id_, schedule=events.Schedule.rate(Duration.minutes(1)), targets=targets)

    def _released(self, id_: str, release: Release, *, models: bool = False, size: Size | None = None) -> Released:
        program = self._program(release.service, models=models, size=size)
        function = Released(self, id_, program, self._stage.log_retention, release)
        self._functions[release.service] = function
        return function

    def _release(self, service: str, wave: Wave, watches: Sequence[Watch]) -> Release:
        return Release(self._releases, service, wave, watches)

    def _program(self, folder: str, *, models: bool = False, size: Size | None = None) -> Program:
        return Program(
            code=self._assets.function(folder),
            layers=self._with_models if models else self._core,
            environment=self._environment(folder) | (self._model_environment if models else {}),
            size=size or (ONE_CORE if models else SMALL),
        )

    def _probing(self, folder: str) -> Program:
        objectives = Objectives.read()
        bounds = {service: objectives.bound_ms(service) for service in objectives.services("RequestLatency")}
        own = {"BONAFIDE_GOLDEN_DIR": "/opt/golden", "BONAFIDE_PROBE_BOUNDS_MS": json.dumps(bounds)}
        return Program(self._assets.function(folder), self._golden, self._environment(folder) | own, PATIENT)

    def _layer(self, id_: str, code: lambda_.Code) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            id_,
            code=code,
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_12],
            compatible_architectures=[lambda_.Architecture.X86_64],
        )

    def _environment(self, folder: str) -> dict[str, str]:
        return {
            "BONAFIDE_STAGE": self._stage.name,
            "BONAFIDE_TENANT_TABLE": self._data.tenants.table_name,
            "BONAFIDE_DECISION_TABLE": self._data.decisions.table_name,
            "BONAFIDE_IDEMPOTENCY_TABLE": self._data.idempotency.table_name,
            "BONAFIDE_SESSION_TABLE": self._data.sessions.table_name,
            "BONAFIDE_AUDIO_STREAM": self._data.stream.stream_name,
            "BONAFIDE_FAILURE_BUCKET": self._data.failures.bucket_name,
            "BONAFIDE_AUDIO_BUCKET": self._data.audio.bucket_name,
            "BONAFIDE_PROBE_DOMAIN": PROBE_DOMAIN,
            "POWERTOOLS_SERVICE_NAME": folder,
            # Pydantic would otherwise read the metadata of each installed package, looking for plugins.
            "PYDANTIC_DISABLE_PLUGINS": "__all__",
        }

    def _allow(self, function: Function, table: dynamodb.Table, *actions: str) -> None:
        # Not `table.grant`, which adds every index.
        granted = [f"dynamodb:{action}" for action in actions]
        function.role.add_to_principal_policy(iam.PolicyStatement(actions=granted, resources=[table.table_arn]))
        self._data.key.grant_encrypt_decrypt(function.role)

    def _allow_audio(self, function: Function, **actions: str) -> None:
        bucket = self._data.audio
        for action, keys in actions.items():
            self._grant(function, f"s3:{action}", bucket.arn_for_objects(keys))
        # Besides listing, it makes S3 say that an object is missing instead of denying access to it.
        self._grant(function, "s3:ListBucket", bucket.bucket_arn)

    def _grant(self, function: Function, action: str, resource: str) -> None:
        function.role.add_to_principal_policy(iam.PolicyStatement(actions=[action], resources=[resource]))
