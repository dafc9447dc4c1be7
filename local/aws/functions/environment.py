"""Execution environments: processes of AWS's own runtime client behind the Lambda runtime interface.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import contextlib
import json
import subprocess
import threading
import time
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue

from local.aws.http import HttpHandler, LoopbackServer
from local.aws.process import ChildProgram, start, stop

API = "/2018-06-01/runtime"
# Lambda ends an initialization after 10 s on processors of its own; here all environments share this machine's with
# whatever else runs, so that only one that hangs is ended. `make bench` measures cold starts.
INIT_SECONDS = 90


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """The result of one invocation.

    Attributes:
        payload: the function's answer, or the description of its error, JSON.
        error: None, `Handled` for an exception of the function, `Unhandled` when its process died.
        milliseconds: duration of the invocation, without initialization.
    """

    payload: bytes
    error: str | None = None
    milliseconds: float = 0

    @classmethod
    def failure(cls, kind: str, message: str) -> "InvocationResult":
        """Describes an error that the function could not report itself."""
        return cls(json.dumps({"errorType": kind, "errorMessage": message}).encode(), "Unhandled")


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event on its way to a function and back."""

    id: str
    payload: bytes
    trace: str
    arn: str
    deadline_ms: int
    result: Future[InvocationResult] = field(default_factory=Future)


class ExecutionEnvironment:
    """Runs one invocation at a time. The thread that creates it has to outlive it."""

    def __init__(self, program: ChildProgram, log: Path) -> None:
        self._log = log
        self._inbox: SimpleQueue[Invocation | None] = SimpleQueue()
        self._ready: Future[InvocationResult | None] = Future()
        self._current: Invocation | None = None
        self._server = LoopbackServer(0, _interface(self))
        self._server.start()
        environment = {**program.environment, "AWS_LAMBDA_RUNTIME_API": self._server.address}
        with log.open("ab") as output:
            self._process = start(replace(program, environment=environment), output)
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def alive(self) -> bool:
        """Tells whether it can take another invocation."""
        return self._process.poll() is None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, for measurements."""
        return self._process

    def wait_ready(self) -> InvocationResult | None:
        """Waits for the end of initialization; returns its failure, if any."""
        try:
            return self._ready.result(INIT_SECONDS)
        except TimeoutError:
            self.close()
            return InvocationResult.failure("Sandbox.Timedout", f"Init timed out after {INIT_SECONDS} seconds")

    def run(self, invocation: Invocation) -> InvocationResult:
        """Runs one invocation until it ends, the process dies or its deadline passes."""
        started = time.monotonic()
        self.note(f"START RequestId: {invocation.id}")
        self._current = invocation
        self._inbox.put(invocation)
        result = replace(self._wait(invocation), milliseconds=(time.monotonic() - started) * 1000)
        self.note(f"REPORT RequestId: {invocation.id} Duration: {result.milliseconds:.2f} ms")
        return result

    def _wait(self, invocation: Invocation) -> InvocationResult:
        seconds = invocation.deadline_ms / 1000 - time.time()
        try:
            return invocation.result.result(seconds)
        except TimeoutError:
            self.close()
            return InvocationResult.failure("Sandbox.Timedout", f"RequestId: {invocation.id} Error: Task timed out")

    def note(self, line: str) -> None:
        """Writes a platform line into the log of the function."""
        with self._log.open("a") as output:
            output.write(f"{line}\n")

    def close(self) -> None:
        """Kills the process and frees the port."""
        stop(self._process)
        self._inbox.put(None)
        self._server.stop()

    def next(self) -> Invocation | None:
        """Returns the next invocation to the runtime client, which is now free; None when the environment closes."""
        _settle(self._ready, None)
        return self._inbox.get()

    def finish(self, path: str, body: bytes) -> None:
        """Takes an answer or an error from the runtime client."""
        current = self._current
        if path == f"{API}/init/error":
            _settle(self._ready, InvocationResult(body, "Unhandled"))
        elif current and path == f"{API}/invocation/{current.id}/response":
            _settle(current.result, InvocationResult(body))
        elif current and path == f"{API}/invocation/{current.id}/error":
            _settle(current.result, InvocationResult(body, "Handled"))

    def _watch(self) -> None:
        status = self._process.wait()
        failure = InvocationResult.failure("Runtime.ExitError", f"Runtime exited with status {status}")
        _settle(self._ready, failure)
        if self._current:
            _settle(self._current.result, failure)


def _settle[T](future: Future[T], result: T) -> None:
    """Sets the result unless there is one already."""
    with contextlib.suppress(InvalidStateError):
        future.set_result(result)


def _interface(environment: ExecutionEnvironment) -> type[HttpHandler]:
    """Returns the HTTP handler of one environment's runtime interface."""

    class RuntimeInterface(HttpHandler):
        """Lambda's runtime API: hands out events and takes results."""

        timeout = None  # type: ignore[assignment]  # a free environment waits for its next event forever

        def do_GET(self) -> None:  # noqa: N802
            invocation = environment.next()
            if invocation is None:
                self.close_connection = True
                return
            self.answer(200, _headers(invocation), invocation.payload)

        def do_POST(self) -> None:  # noqa: N802
            environment.finish(self.path, self.read_body(1 << 30))
            self.answer(202, [("Content-Type", "application/json")], b'{"status":"OK"}')

    return RuntimeInterface


def _headers(invocation: Invocation) -> list[tuple[str, str]]:
    return [
        ("Content-Type", "application/json"),
        ("Lambda-Runtime-Aws-Request-Id", invocation.id),
        ("Lambda-Runtime-Deadline-Ms", str(invocation.deadline_ms)),
        ("Lambda-Runtime-Invoked-Function-Arn", invocation.arn),
        ("Lambda-Runtime-Trace-Id", invocation.trace),
    ]
