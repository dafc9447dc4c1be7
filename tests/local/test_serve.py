import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.runner import Deployment, deployment
from ops.synthesis import ROOT

COMMAND = [sys.executable, "-m", "local.serve", "--port", "0"]


@pytest.fixture(scope="module")
def running(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployment(assembly=assembly, logs=tmp_path_factory.mktemp("logs")) as running:
        yield running


def children(pid: int) -> set[int]:
    return {int(each) for path in Path(f"/proc/{pid}/task").glob("*/children") for each in path.read_text().split()}


def test_the_service_answers_at_its_endpoint(running: Deployment) -> None:
    with urllib.request.urlopen(f"{running.endpoint}/v1/health") as response:
        assert response.status == 200


TABLES = {"Tenants", "Decisions", "Idempotency", "Sessions", "Models"}


def test_state_is_in_the_tables_of_the_template(running: Deployment) -> None:
    tables = running.emulator.client("dynamodb").list_tables()["TableNames"]
    assert {name.split("-")[3].rstrip("0123456789ABCDEF") for name in tables} == TABLES


def test_functions_are_led_to_the_emulator(running: Deployment) -> None:
    environments = [function.definition.environment for function in running.functions.values()]
    names = {value for each in environments for name, value in each.items() if name.endswith("_TABLE")}
    assert names == set(running.emulator.client("dynamodb").list_tables()["TableNames"])


def test_serving_says_where_and_leaves_nothing_behind(assembly: Path, tmp_path: Path) -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True, env={"TMPDIR": str(tmp_path)}) as server:
        assert server.stdout
        line = server.stdout.readline()
        processes = children(server.pid)
        server.terminate()
        rest = server.stdout.read()
    assert len(processes) == 1 + len(list((ROOT / "functions").glob("*/handler.py")))
    assert line.startswith("endpoint: http://127.0.0.1:")
    assert rest == ""
    assert server.returncode == 0
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_serving_ends_with_the_make_that_started_it(assembly: Path, tmp_path: Path, number: signal.Signals) -> None:
    recipe = f"serve: ; @exec {' '.join(COMMAND)} --follow-parent"
    environment = {"TMPDIR": str(tmp_path), "PATH": os.defpath}
    # Whoever runs the tests in the background may have them ignore interrupts, which make would inherit.
    command = ["env", "--default-signal=INT", "make", "--eval", recipe, "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as make:
        assert make.stdout
        make.stdout.readline()
        make.send_signal(number)
        # Ends when the last process that could write has gone.
        make.stdout.read()
    assert not list(tmp_path.iterdir())
