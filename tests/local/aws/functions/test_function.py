import json
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import WAITING, LambdaFunction, ThrottledError
from tests.local.aws.functions.conftest import PROBE, Start


def call(function: LambdaFunction, **event: Any) -> Any:
    return json.loads(function.submit(json.dumps(event).encode()).result().payload)


def outcome(function: LambdaFunction, **event: Any) -> InvocationResult:
    return function.submit(json.dumps(event).encode()).result()


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not Path(f"/proc/{pid}").exists()


def test_an_event_reaches_the_handler_with_its_context(probe: LambdaFunction) -> None:
    payload = json.dumps({"question": "who"}).encode()
    answer = json.loads(probe.submit(payload, "Root=1-2-3;Sampled=0", "an-id").result().payload)
    assert answer["event"] == {"question": "who"}
    assert answer["request_id"] == "an-id"
    assert answer["trace"] == "Root=1-2-3;Sampled=0"
    assert answer["memory"] == "512"
    assert answer["arn"].endswith(":function:probe:live")
    assert 0 < answer["remaining_ms"] <= 2000


def test_a_warm_environment_is_used_again(probe: LambdaFunction) -> None:
    assert call(probe, action="pid") == call(probe, action="pid")


def test_nothing_of_this_process_leaks_into_a_function(probe: LambdaFunction) -> None:
    environment = call(probe, action="environment")
    assert "HOME" not in environment
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "probe"
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert not call(probe, action="find", module="pytest")
    assert not call(probe, action="find", module="bonafide")
    assert call(probe, action="find", module="awslambdaric")


def test_packages_and_files_of_layers_are_found(start: Start, tmp_path: Path) -> None:
    (tmp_path / "python").mkdir()
    (tmp_path / "python/layered.py").write_text("")
    (tmp_path / "bundle").mkdir()
    function = start(layers=(tmp_path,), BUNDLE="/opt/bundle", OTHER="/opt/other")
    assert call(function, action="find", module="layered")
    environment = call(function, action="environment")
    assert environment["BUNDLE"] == str(tmp_path / "bundle")
    assert environment["OTHER"] == "/opt/other"


def test_an_exception_is_reported_by_its_name(probe: LambdaFunction) -> None:
    failed = outcome(probe, action="fail")
    assert failed.error == "Handled"
    assert json.loads(failed.payload)["errorType"] == "KeyError"
    assert json.loads(failed.payload)["stackTrace"]


def test_a_crashed_environment_is_replaced(probe: LambdaFunction) -> None:
    crashed = outcome(probe, action="crash")
    assert crashed.error == "Unhandled"
    assert json.loads(crashed.payload)["errorMessage"] == "Runtime exited with status 3"
    assert call(probe, action="pid") > 0


def test_a_function_is_killed_at_its_timeout(start: Start) -> None:
    function = start(timeout=1)
    pid = call(function, action="pid")
    late = outcome(function, action="pid", seconds=30)
    assert json.loads(late.payload)["errorType"] == "Sandbox.Timedout"
    assert gone(pid)
    assert call(function, action="pid") != pid


def test_a_function_that_refuses_to_start_says_why(start: Start) -> None:
    function = start(REFUSE_TO_START="1")
    warmed = function.warm().result()
    assert warmed
    assert "the bundle is corrupt" in json.loads(warmed.payload)["errorMessage"]
    assert "the bundle is corrupt" in call(function)["errorMessage"]


def test_environments_are_added_only_while_all_are_busy(start: Start) -> None:
    function = start(concurrency=2)
    assert call(function, action="pid") == call(function, action="pid")
    payload = json.dumps({"action": "pid", "seconds": 0.2}).encode()
    busy = [function.submit(payload) for _ in range(6)]
    assert len({future.result().payload for future in busy}) == 2
    assert len(function.processes()) == 2


def test_more_requests_than_may_wait_are_throttled(start: Start) -> None:
    function = start(timeout=30)
    payload = json.dumps({"action": "pid", "seconds": 30}).encode()
    for _ in range(1 + WAITING):
        function.submit(payload)
    with pytest.raises(ThrottledError):
        function.submit(payload)
    function.close()


def test_a_function_runs_no_more_at_once_than_is_reserved_for_it(start: Start) -> None:
    function = start(timeout=30)
    reserved = LambdaFunction(replace(function.definition, reserved=2), function.program, function.log, concurrency=1)
    payload = json.dumps({"action": "pid", "seconds": 0.2}).encode()
    with closing(reserved):
        running = [reserved.submit(payload) for _ in range(2)]
        with pytest.raises(ThrottledError):
            reserved.submit(payload)
        assert all(not each.result().error for each in running)
        reserved.submit(payload).result()


def test_what_a_function_prints_is_in_its_log(start: Start, tmp_path_factory: pytest.TempPathFactory) -> None:
    function = start()
    call(function, action="say", words="as far as I remember")
    assert b"as far as I remember" in function.log.read_bytes()


def test_closing_leaves_no_process(start: Start) -> None:
    function = start()
    pid = call(function, action="pid")
    function.close()
    assert gone(pid)


RUNS_AND_WAITS = """
import json, sys, time
from pathlib import Path
from local.aws.functions.function import FunctionDefinition, LambdaFunction, runtime_client
folder = Path(sys.argv[2])
definition = FunctionDefinition("probe", "handler.lambda_handler", Path(sys.argv[1]), [], {}, 128, 30)
function = LambdaFunction(definition, definition.program(runtime_client(folder / "runtime"), {}), folder / "log")
print(function.submit(json.dumps({"action": "pid"}).encode()).result().payload.decode(), flush=True)
time.sleep(60)
"""


def test_functions_die_with_a_killed_runner(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUNS_AND_WAITS, str(PROBE), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout
        pid = int(runner.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        runner.kill()
    assert gone(pid)
