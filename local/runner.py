"""Runs the synthesised templates on this machine: `with deployment() as bonafide: ...`."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.emulator import Emulator, emulator
from local.environment import Outcome
from local.front import Api, serve
from local.function import Function, platform, runtime_client
from local.schedule import Scheduler, schedules
from local.stream import mappings
from local.stream_poller import Poller
from local.synth import ROOT, synthesize
from local.template import Template

LOGS = ROOT / ".build" / "local"


@dataclass(frozen=True, slots=True)
class Deployment:
    """What runs.

    Attributes:
        endpoint: URL of the API's stage; the paths of the contract come after it.
        emulator: where the state is.
        functions: by name, such as `manage_domains`.
        logs: folder with one log per function, and that of the emulator.
    """

    endpoint: str
    emulator: Emulator
    functions: Mapping[str, Function]
    logs: Path

    def invoke(self, function: str, event: bytes) -> Outcome:
        """Invokes a function directly, as `aws lambda invoke` would."""
        return self.functions[function].submit(event).result()

    def submit(self, function: str, payload: bytes, trace: str, request_id: str) -> Future[Outcome]:
        """Queues an event of the API for a function."""
        return self.functions[function].submit(payload, trace, request_id)


@contextmanager
def deployment(
    port: int = 0, *, stage: str = "dev", assembly: Path | None = None, logs: Path = LOGS, pace: float = 1
) -> Iterator[Deployment]:
    """Deploys the stacks of a stage to this machine until the context ends.

    Args:
        port: where the API listens on the loopback interface; 0 picks a free port.
        stage: one of cdk.json.
        assembly: a cloud assembly; by default that of this repository, synthesised when it is out of date.
        logs: folder for logs.
        pace: how many times faster than the clock the time of schedules passes.
    """
    assembly = assembly or synthesize(stage=stage)
    with ExitStack() as cleanup:
        state = Path(tempfile.mkdtemp(prefix="bonafide-"))
        cleanup.callback(shutil.rmtree, state, ignore_errors=True)
        logs.mkdir(parents=True, exist_ok=True)
        aws = cleanup.enter_context(emulator(state, logs / "emulator.log"))
        exports = aws.deploy(Template.read(assembly, f"Bonafide-{stage}-Data", {}))
        template = Template.read(assembly, f"Bonafide-{stage}-Service", exports)
        functions = _functions(template, aws, runtime_client(state / "runtime"), logs)
        for function in functions.values():
            cleanup.callback(function.close)
        _warm(functions)
        for source in _sources(template, aws, functions, pace):
            cleanup.callback(source.stop)
        running = Deployment("", aws, functions, logs)
        server = serve(_api(template, running), port)
        cleanup.callback(server.stop)
        yield Deployment(f"http://{server.address}/{template.stage()}", aws, functions, logs)


def _functions(template: Template, aws: Emulator, runtime: Path, logs: Path) -> dict[str, Function]:
    functions: dict[str, Function] = {}
    for definition in template.functions():
        log = logs / f"{definition.name}.log"
        log.write_bytes(b"")
        program = definition.program(runtime, platform(aws.endpoint))
        functions[definition.name] = Function(definition, program, log)
    return functions


def _warm(functions: Mapping[str, Function]) -> None:
    """Starts one environment of each function; one that does not start is said, and fails its own calls only."""
    for name, started in [(name, function.warm()) for name, function in functions.items()]:
        if failure := started.result():
            print(f"{name} does not start: {failure.payload.decode()}", file=sys.stderr)


def _sources(
    template: Template, aws: Emulator, functions: Mapping[str, Function], pace: float
) -> Iterator[Poller | Scheduler]:
    """Starts what calls functions by itself, one at a time."""
    for rules in mappings(template):
        yield Poller(rules, aws.client, functions[rules.function])
    for schedule in schedules(template):
        yield Scheduler(schedule, functions[schedule.function].submit, pace)


def _api(template: Template, running: Deployment) -> Api:
    return Api(template.stage(), template.routes(), template.refusals(), template.binary_types(), running.submit)
