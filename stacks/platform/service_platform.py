"""Shared resources of the capabilities."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as events_targets
from aws_cdk import aws_lambda as lambda_

from stacks.assets import Assets
from stacks.data import DataStack
from stacks.platform.api import ServiceApi
from stacks.platform.function import ONE_CORE, SMALL, FunctionProps, ServiceFunction, Size
from stacks.platform.release import CanaryReleases, ReleasedFunction, ReleasePlan, Wave
from stacks.platform.release_alarms import ReleaseAlarm
from stacks.platform.stores import Stores
from stacks.stage import DeploymentStage

# The domain of golden calls; statistics of callers leave it out.
PROBE_DOMAIN = "bonafide-probe"

# An environment has one core: more threads would only wait for each other.
THREADS = ("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class ReservedConcurrencyError(ValueError):
    """A stage reserves concurrency for an unknown function, or too little for one."""


class ServicePlatform:
    """Creates functions, routes and schedules in the service stack.

    They are children of the stack itself: a logical id follows from the path of its construct, and a function or an
    alias that gets another id is replaced, without a canary release.

    Attributes:
        stage: settings of the deployment.
        stores: tables, buckets and the stream.
        assets: code and recordings.
        api: the REST API.
        releases: all released functions.
    """

    def __init__(self, stack: Stack, *, stage: DeploymentStage, data: DataStack, assets: Assets) -> None:
        self._stack = stack
        self.stage = stage
        self.stores = Stores(data, stage)
        self.assets = assets
        self._services: set[str] = set()
        self._core = [self.layer("Runtime", assets.runtime()), self.layer("Core", assets.core())]
        self._model = self.layer("Model", assets.model())
        self.api = ServiceApi(stack, "Api", stage=stage)
        self.releases = CanaryReleases(stack, "Releases", stage=stage)

    def released(
        self,
        service: str,
        wave: Wave,
        alarms: Sequence[ReleaseAlarm],
        *,
        models: bool = False,
        size: Size | None = None,
    ) -> ReleasedFunction:
        """Creates a function that is invoked through its alias.

        Args:
            service: its folder below functions/.
            wave: when it is released.
            alarms: what rolls a release back.
            models: whether it needs the bundle.
            size: one core with models and a small environment without, unless given.
        """
        layers, environment = ([self._model], self._bundle()) if models else ([], {})
        props = self._props(service, layers, environment, size or (ONE_CORE if models else SMALL))
        return ReleasedFunction(self._stack, props, ReleasePlan(wave, alarms), self.releases)

    def function(self, service: str, layers: Sequence[lambda_.ILayerVersion], size: Size) -> ServiceFunction:
        """Creates a function without alias: no client reaches it."""
        return ServiceFunction(self._stack, self._props(service, layers, {}, size))

    def layer(self, id_: str, code: lambda_.Code) -> lambda_.LayerVersion:
        """Creates a layer."""
        return lambda_.LayerVersion(
            self._stack,
            id_,
            code=code,
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_12],
            compatible_architectures=[lambda_.Architecture.X86_64],
        )

    def every_minute(self, id_: str, function: lambda_.IFunction) -> None:
        """Invokes a function on a schedule."""
        self._schedule(id_, Duration.minutes(1), function)

    def every_hour(self, id_: str, function: lambda_.IFunction) -> None:
        """Invokes a function on a schedule."""
        self._schedule(id_, Duration.hours(1), function)

    def allow_events(self, function: ServiceFunction, source: str) -> None:
        """Allows to put events of one source on the account's default bus."""
        bus = self._stack.format_arn(service="events", resource="event-bus", resource_name="default")
        function.allow(bus, "events:PutEvents", conditions={"StringEquals": {"events:source": source}})

    def _schedule(self, id_: str, rate: Duration, function: lambda_.IFunction) -> None:
        targets = [events_targets.LambdaFunction(function)]
        events.Rule(self._stack, id_, schedule=events.Schedule.rate(rate), targets=targets)

    def check_reserved(self) -> None:
        """Checks the stage's reserved concurrency after all functions were added.

        Raises:
            ReservedConcurrencyError: the stage names a function that does not exist.
        """
        if unknown := sorted(set(self.stage.reserved) - self._services):
            known = ", ".join(sorted(self._services))
            raise ReservedConcurrencyError(
                f"stage {self.stage.name} reserves concurrency of {', '.join(unknown)}; there are {known}"
            )

    def _props(
        self, service: str, layers: Sequence[lambda_.ILayerVersion], environment: dict[str, str], size: Size
    ) -> FunctionProps:
        return FunctionProps(
            service=service,
            code=self.assets.function(service),
            layers=[*self._core, *layers],
            environment=self._common(service) | environment,
            size=size,
            log_retention=self.stage.log_retention,
            description=f"Bonafide {self.stage.release}",
            reserved=self._reserved(service),
        )

    def _reserved(self, service: str) -> int | None:
        self._services.add(service)
        return self.stage.reserved.get(service)

    def _bundle(self) -> dict[str, str]:
        place = {"BONAFIDE_BUNDLE_DIR": "/opt/bundle", "BONAFIDE_BUNDLE_DIGEST": self.assets.bundle_digest()}
        return dict.fromkeys(THREADS, "1") | place

    def _common(self, service: str) -> dict[str, str]:
        objective = self.releases.objectives.of(service)
        return {
            "BONAFIDE_OBJECTIVE": objective.name if objective else "",
            "BONAFIDE_PROBE_DOMAIN": PROBE_DOMAIN,
            "BONAFIDE_STAGE": self.stage.name,
            "POWERTOOLS_SERVICE_NAME": service,
            # Pydantic would otherwise read the metadata of each installed package to find plugins.
            "PYDANTIC_DISABLE_PLUGINS": "__all__",
        }
