"""What answers: layers, functions with their permissions, and the REST API in front of them."""

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.assets import Assets
from stacks.constructs.api import Api
from stacks.constructs.function import ONE_CORE, SMALL, Function, Program
from stacks.data import DataStack
from stacks.stage import Stage

READ = ("GetItem", "BatchGetItem", "Query", "ConditionCheckItem")
WRITE = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
IDEMPOTENCY = ("GetItem", "PutItem", "UpdateItem", "DeleteItem")

# One thread each: an environment has one core, and more threads would only wait for each other.
MODEL_ENVIRONMENT = {
    "BONAFIDE_BUNDLE_DIR": "/opt/bundle",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

DOMAIN = "/v1/domains/{domain}"
SPEAKER = f"{DOMAIN}/speakers/{{speaker}}"


class ServiceStack(Stack):
    """The stateless half: it can be deleted and deployed again without losing anything."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, data: DataStack, assets: Assets) -> None:
        super().__init__(scope, id_, description="Bonafide: functions and REST API")
        self._stage = stage
        self._data = data
        self._assets = assets
        self._core = [self._layer("Runtime", assets.runtime()), self._layer("Core", assets.core())]
        self._with_models = [*self._core, self._layer("Model", assets.model())]
        self._api = Api(self, "Api", stage=stage)
        self._add_domains()
        self._add_speakers()
        self._add_enrollment()
        self._add_authentication()
        self._add_description()

    def _add_domains(self) -> None:
        function = self._function("ManageDomains", "manage_domains")
        self._allow(function, self._data.tenants, *READ, *WRITE)
        self._allow(function, self._data.decisions, "Query", "DeleteItem", "BatchWriteItem")
        self._allow(function, self._data.idempotency, *IDEMPOTENCY)
        # Presigned uploads are signed with the role of the function that makes them.
        self._data.audio.grant_put(function.role, "uploads/*")
        self._data.audio.grant_delete(function.role)
        self._allow_listing(function)
        for method in ("PUT", "GET", "DELETE"):
            self._api.route(method, DOMAIN, function.alias)
        self._api.route("POST", f"{DOMAIN}/uploads", function.alias)

    def _add_speakers(self) -> None:
        function = self._function("ManageSpeakers", "manage_speakers")
        self._allow(function, self._data.tenants, *READ, *WRITE)
        self._allow(function, self._data.idempotency, *IDEMPOTENCY)
        self._data.audio.grant_delete(function.role)
        self._allow_listing(function)
        self._api.route("GET", f"{DOMAIN}/speakers", function.alias)
        self._api.route("GET", SPEAKER, function.alias)
        self._api.route("DELETE", SPEAKER, function.alias)
        self._api.route("POST", f"{SPEAKER}/opt-out", function.alias)

    def _add_enrollment(self) -> None:
        function = self._function("EnrollSpeaker", "enroll_speaker", models=True)
        self._allow(function, self._data.tenants, *READ, "PutItem", "UpdateItem")
        self._allow(function, self._data.idempotency, *IDEMPOTENCY)
        self._allow_audio(function)
        self._api.route("POST", f"{SPEAKER}/enrollments", function.alias)

    def _add_authentication(self) -> None:
        function = self._function("AuthenticateCaller", "authenticate_caller", models=True)
        self._allow(function, self._data.tenants, *READ)
        self._allow(function, self._data.decisions, "GetItem", "PutItem")
        self._allow(function, self._data.idempotency, *IDEMPOTENCY)
        self._allow_audio(function)
        self._api.route("POST", f"{SPEAKER}/authentications", function.alias)

    def _add_description(self) -> None:
        function = self._function("DescribeService", "describe_service")
        self._api.route("GET", "/v1/health", function.alias, public=True)
        self._api.route("GET", "/v1/openapi.json", function.alias)
        self._api.route("GET", "/v1/docs", function.alias)

    def _function(self, id_: str, folder: str, *, models: bool = False) -> Function:
        program = Program(
            code=self._assets.function(folder),
            layers=self._with_models if models else self._core,
            environment=self._environment(folder) | (MODEL_ENVIRONMENT if models else {}),
            size=ONE_CORE if models else SMALL,
        )
        return Function(self, id_, program, self._stage.log_retention)

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
            "BONAFIDE_BUNDLE_DIGEST": self._assets.bundle_digest(),
            "BONAFIDE_TENANT_TABLE": self._data.tenants.table_name,
            "BONAFIDE_DECISION_TABLE": self._data.decisions.table_name,
            "BONAFIDE_IDEMPOTENCY_TABLE": self._data.idempotency.table_name,
            "BONAFIDE_AUDIO_BUCKET": self._data.audio.bucket_name,
            "POWERTOOLS_SERVICE_NAME": folder,
            "POWERTOOLS_METRICS_NAMESPACE": "Bonafide",
            # Pydantic would otherwise read the metadata of each installed package, looking for plugins.
            "PYDANTIC_DISABLE_PLUGINS": "__all__",
        }

    def _allow(self, function: Function, table: dynamodb.Table, *actions: str) -> None:
        table.grant(function.role, *(f"dynamodb:{action}" for action in actions))
        self._data.key.grant_encrypt_decrypt(function.role)

    def _allow_audio(self, function: Function) -> None:
        self._data.audio.grant_read(function.role, "uploads/*")
        self._data.audio.grant_put(function.role, "recordings/*")

    def _allow_listing(self, function: Function) -> None:
        bucket = self._data.audio.bucket_arn
        function.role.add_to_principal_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket]))
