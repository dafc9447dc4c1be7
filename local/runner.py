"""Runs the synthesized templates on this machine: `with deployment() as bonafide: ...`."""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urljoin

from bonafide.access.operations import Role
from local.aws.api.definition import ApiDefinition
from local.aws.api.front import listen
from local.aws.api.identity import LOCAL_ADMINISTRATORS
from local.aws.api.signature import SignatureCheck, emulator_keys
from local.aws.emulator import Emulator, emulator
from local.aws.functions.alias import FunctionAlias
from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import (
    FunctionDefinition,
    InvocationObserver,
    LambdaFunction,
    forget,
    platform,
    runtime_client,
)
from local.aws.observer import ObservedConsumer, PlatformObserver
from local.aws.schedule import Scheduler, schedules
from local.aws.streams.mapping import mappings
from local.aws.streams.poller import PAUSE, Poller
from local.aws.synth import synthesize
from local.aws.template import StackTemplate
from local.console.site import PREFIX, ConsoleSite
from ops.synthesis import ROOT

LOGS = ROOT / ".build" / "local"
ACCESS_RULES = "BONAFIDE_ACCESS_RULES"
API_URL = re.compile(r"https://\w+\.execute-api\.")


@dataclass(frozen=True, slots=True)
class ExtraServices:
    """Services that functions use besides their state, and their pace.

    Attributes:
        record: called after each invocation.
        variables: environment variables of all functions; a setting of the template that is named here is replaced in
            the functions that have it.
        observer: told of what AWS counts in metrics of its own.
        pause: seconds between two reads of a stream's shard.
        signed_only: whether a request without a signature is refused, not taken for the local administrator's.
    """

    record: InvocationObserver = forget
    variables: Mapping[str, str] = field(default_factory=dict)
    observer: PlatformObserver = field(default_factory=PlatformObserver)
    pause: float = PAUSE
    signed_only: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """Starts functions.

    Attributes:
        emulator: holds their state.
        runtime: folder of the runtime client.
        logs: folder with one log per version of a function and one of the emulator.
        services: further services.
        endpoint: URL of the API's stage.
        started: closes every function that was started.
    """

    emulator: Emulator
    runtime: Path
    logs: Path
    services: ExtraServices
    endpoint: str
    started: ExitStack = field(default_factory=ExitStack)

    def start(self, template: StackTemplate, wanted: Callable[[str], bool]) -> dict[str, LambdaFunction]:
        """Returns the functions of a template that `wanted` selects by name; the deployment's end closes them."""
        functions = {each.name: self._start(each) for each in template.functions() if wanted(each.name)}
        for function in functions.values():
            self.started.callback(function.close)
        return functions

    def _start(self, definition: FunctionDefinition) -> LambdaFunction:
        log = self.logs / f"{definition.name}{'' if definition.version == '1' else f'-{definition.version}'}.log"
        log.write_bytes(b"")
        variables = {**platform(self.emulator.endpoint), **self.services.variables}
        own = {
            name: self.services.variables.get(name, self._with_local_administrators(name, self._with_local_url(value)))
            for name, value in definition.environment.items()
        }
        program = replace(definition, environment=own).program(self.runtime, variables)
        observer = self.services.observer
        return LambdaFunction(definition, program, log, record=self.services.record, throttled=observer.throttled)

    def _with_local_administrators(self, name: str, value: str) -> str:
        """Gives every role to who runs this; a stage that binds nobody stays so."""
        if name != ACCESS_RULES or (rules := json.loads(value))["stage"] is None:
            return value
        stage = {role: [*rules["stage"].get(role, []), *LOCAL_ADMINISTRATORS] for role in Role}
        return json.dumps({**rules, "stage": stage})

    def _with_local_url(self, value: str) -> str:
        """Replaces the API's URL in AWS by the local one."""
        return self.endpoint if API_URL.match(value) else value


@dataclass(frozen=True, slots=True)
class Deployment:
    """A running deployment.

    Attributes:
        host: runs the functions.
        template: template of the service.
        functions: first deployed version of each, by name such as `manage_domains`.
        aliases: targets of the API, streams and schedules, by the function's name.
    """

    host: Host
    template: StackTemplate
    functions: Mapping[str, LambdaFunction]
    aliases: Mapping[str, FunctionAlias]

    @property
    def endpoint(self) -> str:
        """URL of the API's stage; the paths of the contract come after it."""
        return self.host.endpoint

    @property
    def console(self) -> str:
        """URL of the console."""
        return urljoin(self.endpoint, PREFIX)

    @property
    def emulator(self) -> Emulator:
        """The emulator, which holds the state."""
        return self.host.emulator

    @property
    def logs(self) -> Path:
        """Folder with one log per function and one of the emulator."""
        return self.host.logs

    def invoke(self, function: str, event: bytes) -> InvocationResult:
        """Invokes a function directly, like `aws lambda invoke`."""
        return self.functions[function].submit(event).result()

    def submit(self, function: str, payload: bytes, trace: str, request_id: str) -> Future[InvocationResult]:
        """Queues an event of the API for a function."""
        return self.aliases[function].submit(payload, trace, request_id)


@contextmanager
def deployment(
    port: int = 0,
    *,
    stage: str = "dev",
    assembly: Path | None = None,
    logs: Path = LOGS,
    pace: float = 1,
    services: ExtraServices = ExtraServices(),
) -> Iterator[Deployment]:
    """Deploys the stacks of a stage to this machine until the context ends.

    Args:
        port: port of the API on the loopback interface; 0 picks a free one.
        stage: one of cdk.json.
        assembly: a cloud assembly; by default that of this repository, synthesized if out of date.
        logs: folder for logs.
        pace: seconds of schedules per real second.
        services: further services of AWS.
    """
    assembly = assembly or synthesize(stage=stage)
    with ExitStack() as cleanup:
        state = Path(tempfile.mkdtemp(prefix="bonafide-"))
        cleanup.callback(shutil.rmtree, state, ignore_errors=True)
        logs.mkdir(parents=True, exist_ok=True)
        aws = cleanup.enter_context(emulator(state, logs / "emulator.log"))
        exports = aws.deploy(StackTemplate.read(assembly, f"Bonafide-{stage}-Data", {}))
        template = StackTemplate.read(assembly, f"Bonafide-{stage}-Service", exports)
        aliases: dict[str, FunctionAlias] = {}
        check = SignatureCheck(emulator_keys(aws.endpoint), signed_only=services.signed_only)
        console = ConsoleSite(template.stage(), signed=services.signed_only)
        server = listen(_api(template, aliases, services.observer, check), port, console.answer)
        cleanup.callback(server.server_close)
        endpoint = f"http://{server.address}/{template.stage()}"
        host = Host(aws, runtime_client(state / "runtime"), logs, services, endpoint)
        # Also those of later versions: streams and schedules, which call them, stop before.
        cleanup.callback(host.started.close)
        functions = host.start(template, lambda _: True)
        warm(functions)
        aliases |= {name: FunctionAlias(each) for name, each in functions.items()}
        running = Deployment(host, template, functions, aliases)
        for source in _sources(running, pace):
            cleanup.callback(source.stop)
        server.start()
        cleanup.callback(server.stop)
        yield running


def warm(functions: Mapping[str, LambdaFunction]) -> None:
    """Starts one environment of each function; reports those that do not start, which fail only their own calls.

    As many start at once as there are processors: more would only make each wait for the others.
    """
    with ThreadPoolExecutor(os.cpu_count()) as starting:
        failures = starting.map(lambda function: function.warm().result(), functions.values())
        for name, failure in zip(functions, failures, strict=True):
            if failure:
                print(f"{name} does not start: {failure.payload.decode()}", file=sys.stderr)


def _sources(running: Deployment, pace: float) -> Iterator[Poller | Scheduler]:
    """Starts schedules and pollers, one at a time."""
    for rules in mappings(running.template):
        consumer = ObservedConsumer(running.aliases[rules.function], running.host.services.observer.read_late)
        yield Poller(rules, running.emulator.client, consumer, running.host.services.pause)
    for schedule in schedules(running.template):
        yield Scheduler(schedule, running.aliases[schedule.function].submit, pace)


def _api(
    template: StackTemplate, aliases: Mapping[str, FunctionAlias], observer: PlatformObserver, check: SignatureCheck
) -> ApiDefinition:
    def submit(function: str, payload: bytes, trace: str, request_id: str) -> Future[InvocationResult]:
        return aliases[function].submit(payload, trace, request_id)

    return ApiDefinition(
        template.stage(),
        template.routes(),
        template.gateway_responses(),
        template.binary_types(),
        submit,
        observer.answered,
        check.sender,
    )
