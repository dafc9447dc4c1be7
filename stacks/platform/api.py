"""The REST API: routes, limits and API Gateway's own responses."""

import json
from dataclasses import asdict, dataclass

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.platform.custom_domain import add_custom_domain
from stacks.platform.function import ServiceFunction
from stacks.platform.network import add_web_acl, endpoint, resource_policy
from stacks.platform.release import ReleasedFunction
from stacks.platform.senders import SenderRules
from stacks.stage import DeploymentStage

# API Gateway's integration timeout; no function may run longer than its client waits.
INTEGRATION_SECONDS = 29

# Methods and paths of the routes that need no signature.
PUBLIC = ("GET/v1/docs", "GET/v1/health", "GET/v1/openapi.json")

MESSAGE = "$context.error.messageString"


@dataclass(frozen=True, slots=True)
class GatewayRefusal:
    """A response of API Gateway itself, in the form of the functions' error responses.

    Attributes:
        kind: API Gateway's response type.
        code: Bonafide's stable code of it.
        status: the HTTP status, None where one kind stands for several.
        retry_after: seconds after which the client may retry.
    """

    kind: str
    code: str
    status: int | None = None
    retry_after: int | None = None

    def template(self) -> str:
        """Returns a problem document (RFC 9457); API Gateway inserts its message, quotes included."""
        title = self.code.replace("_", " ").capitalize()
        problem = {
            "type": f"urn:bonafide:problem:{self.code}",
            "title": title,
            "status": self.status,
            "code": self.code,
            "detail": MESSAGE,
        }
        present = {name: value for name, value in problem.items() if value is not None}
        return json.dumps(present | {"request_id": "$context.requestId"}).replace(f'"{MESSAGE}"', MESSAGE)

    def headers(self) -> dict[str, str]:
        """Returns the headers besides the usual ones."""
        return {"Retry-After": f"'{self.retry_after}'"} if self.retry_after else {}


@dataclass(frozen=True, slots=True)
class RouteLimit:
    """Limit of one route for all clients together, below that of the API.

    Attributes:
        rate: requests a second.
        burst: requests at once.
    """

    rate: float
    burst: int


GATEWAY_RESPONSES = (
    GatewayRefusal("ACCESS_DENIED", "access_denied", 403),
    GatewayRefusal("DEFAULT_4XX", "request_refused"),
    GatewayRefusal("DEFAULT_5XX", "internal_error"),
    GatewayRefusal("EXPIRED_TOKEN", "token_expired", 403),
    GatewayRefusal("INTEGRATION_FAILURE", "function_unreachable", 504, retry_after=1),
    GatewayRefusal("INTEGRATION_TIMEOUT", "timed_out", 504),
    GatewayRefusal("INVALID_SIGNATURE", "signature_invalid", 403),
    GatewayRefusal("MISSING_AUTHENTICATION_TOKEN", "route_unknown_or_unsigned", 403),
    GatewayRefusal("REQUEST_TOO_LARGE", "request_too_large", 413),
    GatewayRefusal("THROTTLED", "throttled", 429, retry_after=1),
    GatewayRefusal("UNAUTHORIZED", "unauthorized", 401),
)


class ServiceApi(Construct):
    """A REST API in front of functions' aliases; clients sign their requests (SigV4).

    Attributes:
        senders: whom functions permit what.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: DeploymentStage) -> None:
        super().__init__(scope, id_)
        self._stage = stage
        self.senders = SenderRules(Stack.of(self), stage.name, stage.principals)
        access_log = logs.LogGroup(
            self, "AccessLog", retention=stage.log_retention, removal_policy=RemovalPolicy.DESTROY
        )
        self._rest = apigateway.RestApi(
            self,
            "Rest",
            rest_api_name=f"bonafide-{stage.name}",
            endpoint_configuration=endpoint(self, stage.private),
            policy=resource_policy(stage.private, PUBLIC) if stage.private else None,
            cloud_watch_role=True,
            # Bytes of chunks; functions get them in base64.
            binary_media_types=["application/octet-stream"],
            deploy_options=_stage_options(stage, access_log),
        )
        self._limits = 0
        for response in GATEWAY_RESPONSES:
            self._respond(response)
        if stage.waf:
            add_web_acl(self, self._rest, stage.name, stage.waf)
        if stage.custom_domain:
            add_custom_domain(self, self._rest, stage.custom_domain)

    @property
    def url(self) -> str:
        """URL of the API's stage."""
        return self._rest.url

    @property
    def id(self) -> str:
        """Id of the API."""
        return self._rest.rest_api_id

    @property
    def arn(self) -> str:
        """ARN of every method of every path of this stage, for clients' permissions."""
        return self._rest.arn_for_execute_api(stage=self._stage.name)

    def route(
        self, method: str, path: str, function: ReleasedFunction, *, public_limit: RouteLimit | None = None
    ) -> None:
        """Routes one method of one path to a function; a public route needs no signature, and has a limit instead."""
        authorization = apigateway.AuthorizationType.NONE if public_limit else apigateway.AuthorizationType.IAM
        integration = apigateway.LambdaIntegration(
            function.alias, allow_test_invoke=False, timeout=Duration.seconds(INTEGRATION_SECONDS)
        )
        self._rest.root.resource_for_path(path).add_method(method, integration, authorization_type=authorization)
        if public_limit:
            self._limit(method, path, public_limit)
        else:
            function.set("BONAFIDE_ACCESS_RULES", self.senders.value())

    def count_domains(self, function: ReleasedFunction | ServiceFunction) -> None:
        """Lets a function count requests for the quotas of domains, or check quotas that are wanted."""
        quota = self._stage.domain_quota
        rules = {"most": {"requests_per_second": self._stage.requests_per_second, "burst": self._stage.burst}}
        function.set("BONAFIDE_QUOTA_RULES", json.dumps({**rules, "default": asdict(quota) if quota else None}))

    def _limit(self, method: str, path: str, limit: RouteLimit) -> None:
        stage = self._rest.deployment_stage.node.default_child
        assert isinstance(stage, apigateway.CfnStage)
        self._limits += 1
        setting = {
            "HttpMethod": method,
            # A slash is written as in a JSON pointer.
            "ResourcePath": "/" + path.replace("/", "~1"),
            "ThrottlingBurstLimit": limit.burst,
            "ThrottlingRateLimit": limit.rate,
        }
        # Besides the setting for all methods, which is the first.
        stage.add_property_override(f"MethodSettings.{self._limits}", setting)

    def _respond(self, response: GatewayRefusal) -> None:
        self._rest.add_gateway_response(
            response.kind,
            type=apigateway.ResponseType.of(response.kind),
            status_code=str(response.status) if response.status else None,
            response_headers=response.headers(),
            templates={"application/problem+json": response.template()},
        )


def _stage_options(stage: DeploymentStage, access_log: logs.ILogGroup) -> apigateway.StageOptions:
    return apigateway.StageOptions(
        stage_name=stage.name,
        tracing_enabled=True,
        throttling_rate_limit=stage.requests_per_second,
        throttling_burst_limit=stage.burst,
        # Metrics by method cost as much as custom ones; those of the whole API are free, and alarms read only those.
        metrics_enabled=False,
        # Execution logs hold bodies, and bodies hold voices: only access logs are kept.
        logging_level=apigateway.MethodLoggingLevel.OFF,
        data_trace_enabled=False,
        access_log_destination=apigateway.LogGroupLogDestination(access_log),
        access_log_format=apigateway.AccessLogFormat.custom(_access_log_format()),
    )


def _access_log_format() -> str:
    context = ["requestId", "httpMethod", "resourcePath", "status", "responseLatency", "integrationLatency"]
    context += ["requestTimeEpoch", "responseLength", "identity.userArn", "identity.sourceIp", "xrayTraceId"]
    return json.dumps({name.replace("identity.", ""): f"$context.{name}" for name in context})
