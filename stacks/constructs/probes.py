"""Golden calls: the hook of every release, and the synthetic caller."""

import json

from aws_cdk import ArnFormat, Stack
from constructs import Construct

from stacks.platform.function import HOOK, PROBE, ServiceFunction, Size
from stacks.platform.network import put_into_vpc
from stacks.platform.release import ReleasedFunction
from stacks.platform.service_platform import ServicePlatform
from stacks.slo import Objectives

# Calls of a release hook to CodeDeploy, by the resource that they are granted for.
# https://docs.aws.amazon.com/codedeploy/latest/userguide/auth-and-access-control-permissions-reference.html
REPORTING = ("codedeploy:GetDeployment", "codedeploy:PutLifecycleEventHookExecutionStatus")
READING = "codedeploy:GetApplicationRevision"


class ProbesCapability(Construct):
    """Calls with recordings whose right answer is known."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Probes")
        self._platform = platform
        self._golden = platform.layer("Golden", platform.assets.golden())
        self._hook = self._function("probe_release", HOOK)
        self._names: dict[str, str] = {}
        application = platform.releases.application
        groups = Stack.of(self).format_arn(
            service="codedeploy",
            resource="deploymentgroup",
            resource_name=f"{application.application_name}/*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        self._hook.allow(groups, *REPORTING)
        self._hook.allow(application.application_arn, READING)
        platform.releases.each(self._probe)
        self._call_the_api()

    def _probe(self, function: ReleasedFunction) -> None:
        """Lets the hook call every version of a function before and after its traffic is shifted."""
        function.group.add_pre_hook(self._hook.latest)
        function.group.add_post_hook(self._hook.latest)
        self._hook.allow(f"{function.latest.function_arn}:*", "lambda:InvokeFunction")
        self._names[function.service] = function.latest.function_name
        # Sorted, so that the order in which functions are added does not change the template.
        names = Stack.of(self).to_json_string(dict(sorted(self._names.items())))
        self._hook.set("BONAFIDE_PROBED_FUNCTIONS", names)

    def _call_the_api(self) -> None:
        caller = self._function("probe_service", PROBE)
        caller.set("BONAFIDE_PROBED_ENDPOINT", self._platform.api.url)
        caller.allow(self._platform.api.arn, "execute-api:Invoke")
        if private := self._platform.stage.private:
            put_into_vpc(caller, private)
        self._platform.api.senders.add_prober(caller.role.role_arn)
        self._platform.every_minute("SyntheticCalls", caller.latest)

    def _function(self, service: str, size: Size) -> ServiceFunction:
        function = self._platform.function(service, [self._golden], size)
        function.set("BONAFIDE_GOLDEN_DIR", "/opt/golden")
        function.set("BONAFIDE_PROBE_BOUNDS_MS", _bounds_ms())
        return function


def _bounds_ms() -> str:
    """Returns JSON of the time that each function's answer may take."""
    objectives = Objectives.read()
    return json.dumps({each: objectives.bound_ms(each) for each in objectives.services("RequestLatency")})
