"""Functions in real runtime clients, without templates or state."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.aws.functions.function import FunctionDefinition, LambdaFunction, platform, runtime_client

PROBE = Path(__file__).parent / "probe"

type Start = Callable[..., LambdaFunction]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    folder = tmp_path_factory.mktemp("functions")
    runtime = runtime_client(folder / "runtime")
    with ExitStack() as cleanup:

        def start_one(
            *, timeout: int = 5, concurrency: int = 1, layers: tuple[Path, ...] = (), **environment: str
        ) -> LambdaFunction:
            definition = FunctionDefinition("probe", "handler.lambda_handler", PROBE, layers, environment, 512, timeout)
            program = definition.program(runtime, platform("http://127.0.0.1:1"))
            function = LambdaFunction(definition, program, folder / "probe.log", concurrency)
            cleanup.callback(function.close)
            return function

        yield start_one


@pytest.fixture(scope="module")
def probe(start: Start) -> LambdaFunction:
    return start(timeout=2)
