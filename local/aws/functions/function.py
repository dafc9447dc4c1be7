"""Lambda functions: their definitions in the template, and the execution environments that serve them."""

import os
import sysconfig
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from local.aws.functions.environment import ExecutionEnvironment, Invocation, InvocationResult
from local.aws.process import ChildProgram
from local.aws.xray import header
from ops.synthesis import ROOT

REGION = "us-east-1"
ACCOUNT = "123456789012"
SECRET = "local"  # noqa: S105 - of the emulator, which runs on this machine only
CONCURRENCY = os.cpu_count() or 2
# Requests that may wait for a free environment; more are throttled.
WAITING = 256
# Packages of AWS's runtime image.
RUNTIME_CLIENT = ("awslambdaric", "simplejson", "snapshot_restore_py.py", "runtime_client*.so")
# Variables with which functions keep compiled files, outside of their code. Without them each start compiles the
# product's own, as in AWS.
KEEP_COMPILED = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(ROOT / ".build/compiled")}
# The alias by which functions are invoked.
LIVE = "live"


class ThrottledError(Exception):
    """The function's reserved concurrency is in use, or too many requests are waiting for a free environment."""


@dataclass(frozen=True, slots=True)
class FunctionDefinition:
    """A function as the template defines it.

    Attributes:
        name: snake_case name of its construct.
        handler: `module.function`.
        code: folder of its code.
        layers: folders of its layers, which are merged under /opt in AWS.
        environment: its environment variables.
        memory: MB.
        timeout: seconds.
        version: its number.
        reserved: reserved concurrency, None for none.
    """

    name: str
    handler: str
    code: Path
    layers: Sequence[Path]
    environment: Mapping[str, str]
    memory: int
    timeout: int
    version: str = "1"
    reserved: int | None = None

    def program(self, runtime: Path, platform: Mapping[str, str]) -> ChildProgram:
        """Returns the process of an execution environment, which sees only what Lambda would show it."""
        packages = [self.code, *(layer / "python" for layer in self.layers), runtime]
        own = {name: self._placed(value) for name, value in self.environment.items()}
        environment = {**self._reserved(), **platform, **own, "PYTHONPATH": os.pathsep.join(map(str, packages))}
        return ChildProgram("awslambdaric", [self.handler], environment, self.code, isolated=True)

    def _placed(self, value: str) -> str:
        """Returns the place of a path below /opt in the layer that holds it."""
        if not value.startswith("/opt/"):
            return value
        candidates = (layer / value.removeprefix("/opt/") for layer in self.layers)
        return next((str(path) for path in candidates if path.exists()), value)

    def _reserved(self) -> dict[str, str]:
        return {
            "_HANDLER": self.handler,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": self.version,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "LAMBDA_TASK_ROOT": str(self.code),
            "LANG": "en_US.UTF-8",
            "PATH": os.defpath,
            # Code and layers are read-only in AWS; running them here must not change them either.
            "PYTHONDONTWRITEBYTECODE": "1",
            "TZ": ":UTC",
        }


# Called after each invocation with the version, the alias or version by which it was invoked, and the result.
type InvocationObserver = Callable[[FunctionDefinition, str, InvocationResult], None]


def forget(_definition: FunctionDefinition, _qualifier: str, _result: InvocationResult) -> None:
    """Ignores an invocation."""


# Called with the version and the alias or version by which it was invoked.
type ThrottleObserver = Callable[[FunctionDefinition, str], None]


def ignore(_definition: FunctionDefinition, _qualifier: str) -> None:
    """Ignores a throttled invocation."""


def platform(endpoint: str) -> dict[str, str]:
    """Returns the variables that direct every AWS client of a function to the emulator."""
    credentials = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": SECRET}
    return {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **credentials}


def runtime_client(folder: Path) -> Path:
    """Links the runtime client into a folder of its own, so that functions see no other package of the tools."""
    folder.mkdir(parents=True)
    installed = Path(sysconfig.get_path("platlib"))
    for pattern in RUNTIME_CLIENT:
        for path in installed.glob(pattern):
            (folder / path.name).symlink_to(path)
    return folder


class LambdaFunction:
    """Serves invocations with up to `concurrency` environments, each started when no other is free.

    Invocations that wait for one of this machine's few environments would run in AWS: they count as concurrent. Each
    version counts for itself, while in AWS all versions of a function share what is reserved.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    """

    def __init__(
        self,
        definition: FunctionDefinition,
        program: ChildProgram,
        log: Path,
        concurrency: int = CONCURRENCY,
        record: InvocationObserver = forget,
        throttled: ThrottleObserver = ignore,
    ) -> None:
        self.definition = definition
        self._record = record
        self._throttled = throttled
        self.program = program
        self.log = log
        self._own = threading.local()
        self._closed = False
        self._environments: list[ExecutionEnvironment] = []
        reserved = definition.reserved
        self._capacity = threading.BoundedSemaphore(concurrency + WAITING if reserved is None else reserved)
        # Each thread of the pool is an environment; the pool, too, adds one only when all are busy.
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix=definition.name)

    def submit(
        self, payload: bytes, trace: str = "", request_id: str = "", qualifier: str = LIVE
    ) -> Future[InvocationResult]:
        """Queues one event; `qualifier` is the alias or version by which the function is invoked.

        Raises:
            ThrottledError: what is reserved is in use, or too many are waiting already.
        """
        if not self._capacity.acquire(blocking=False):
            self._throttled(self.definition, qualifier)
            raise ThrottledError
        future = self._threads.submit(self._serve, payload, trace, request_id or str(uuid.uuid4()), qualifier)
        future.add_done_callback(lambda _: self._capacity.release())
        return future

    def warm(self) -> Future[InvocationResult | None]:
        """Starts an environment before it is needed; the result is its failure, if any."""
        return self._threads.submit(lambda: self._environment().wait_ready())

    def processes(self) -> list[int]:
        """Returns the process ids of the live environments."""
        return [environment.process.pid for environment in self._environments if environment.alive]

    def close(self) -> None:
        """Ends all environments and their invocations, once."""
        if self._closed:
            return
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for environment in list(self._environments):
            environment.close()
        self._threads.shutdown()

    def _serve(self, payload: bytes, trace: str, request_id: str, qualifier: str) -> InvocationResult:
        result = self._run(payload, trace, request_id, qualifier)
        self._record(self.definition, qualifier, result)
        return result

    def _run(self, payload: bytes, trace: str, request_id: str, qualifier: str) -> InvocationResult:
        environment = self._environment()
        failure = environment.wait_ready()
        if failure:
            environment.close()
            return failure
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.definition.name}:{qualifier}"
        deadline_ms = int((time.time() + self.definition.timeout) * 1000)
        return environment.run(Invocation(request_id, payload, trace or header(request_id), arn, deadline_ms))

    def _environment(self) -> ExecutionEnvironment:
        existing: ExecutionEnvironment | None = getattr(self._own, "environment", None)
        if existing and existing.alive:
            return existing
        if existing:
            self._environments.remove(existing)
            existing.close()
        self._own.environment = started = ExecutionEnvironment(self.program, self.log)
        self._environments.append(started)
        if self._closed:
            # `close` may have listed the environments before this one was added.
            started.close()
        return started
