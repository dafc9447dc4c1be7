"""The REST API: routes, limits and the answers that API Gateway gives by itself."""

import json
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.stage import Stage

# The longest that API Gateway waits; no function may work longer than somebody listens.
INTEGRATION_SECONDS = 29

MESSAGE = "$context.error.messageString"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that API Gateway gives without any function, in the form that the functions answer errors in.

    Attributes:
        kind: API Gateway's name of the situation.
        code: Bonafide's stable code of it.
        status: the HTTP status, None where one kind stands for several.
        retry_after: seconds after which a retry makes sense.
    """

    kind: str
    code: str
    status: int | None = None
    retry_after: int | None = None

    def template(self) -> str:
        """Writes a problem document (RFC 9457); API Gateway puts its message in, quotes included."""
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
        """Names the headers that the answer has besides the usual ones."""
        return {"Retry-After": f"'{self.retry_after}'"} if self.retry_after else {}


REFUSALS = (
    Refusal("ACCESS_DENIED", "access_denied", 403),
    Refusal("DEFAULT_4XX", "request_refused"),
    Refusal("DEFAULT_5XX", "internal_error"),
    Refusal("EXPIRED_TOKEN", "token_expired", 403),
    Refusal("INTEGRATION_FAILURE", "function_unreachable", 504),
    Refusal("INTEGRATION_TIMEOUT", "timed_out", 504),
    Refusal("INVALID_SIGNATURE", "signature_invalid", 403),
    Refusal("MISSING_AUTHENTICATION_TOKEN", "route_unknown_or_unsigned", 403),
    Refusal("REQUEST_TOO_LARGE", "request_too_large", 413),
    Refusal("THROTTLED", "throttled", 429, retry_after=1),
    Refusal("UNAUTHORIZED", "unauthorized", 401),
)


class Api(Construct):
    """A regional REST API in front of aliases of functions; callers sign their requests (SigV4)."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage) -> None:
        super().__init__(scope, id_)
        access_log = logs.LogGroup(
            self, "AccessLog", retention=stage.log_retention, removal_policy=RemovalPolicy.DESTROY
        )
        self._rest = apigateway.RestApi(
            self,
            "Rest",
            rest_api_name=f"bonafide-{stage.name}",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=True,
            deploy_options=_stage_options(stage, access_log),
        )
        for refusal in REFUSALS:
            self._refuse(refusal)

    @property
    def url(self) -> str:
        """Where callers find it."""
        return self._rest.url

    @property
    def arn(self) -> str:
        """What a caller has to be allowed to invoke: every method of every path."""
        return self._rest.arn_for_execute_api()

    def route(self, method: str, path: str, alias: lambda_.IAlias, *, public: bool = False) -> None:
        """Sends one method of one path to a function; `public` needs no signature."""
        authorization = apigateway.AuthorizationType.NONE if public else apigateway.AuthorizationType.IAM
        integration = apigateway.LambdaIntegration(
            alias, allow_test_invoke=False, timeout=Duration.seconds(INTEGRATION_SECONDS)
        )
        self._rest.root.resource_for_path(path).add_method(method, integration, authorization_type=authorization)

    def _refuse(self, refusal: Refusal) -> None:
        self._rest.add_gateway_response(
            refusal.kind,
            type=apigateway.ResponseType.of(refusal.kind),
            status_code=str(refusal.status) if refusal.status else None,
            response_headers=refusal.headers(),
            templates={"application/problem+json": refusal.template()},
        )


def _stage_options(stage: Stage, access_log: logs.ILogGroup) -> apigateway.StageOptions:
    return apigateway.StageOptions(
        stage_name=stage.name,
        tracing_enabled=True,
        throttling_rate_limit=stage.requests_per_second,
        throttling_burst_limit=stage.burst,
        metrics_enabled=True,
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
