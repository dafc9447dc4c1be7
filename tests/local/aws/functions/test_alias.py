"""Which version of a function gets a call."""

import json
from collections.abc import Iterator
from itertools import cycle

import pytest

from local.aws.functions.alias import FunctionAlias
from local.aws.functions.function import FunctionDefinition, LambdaFunction, platform, runtime_client

PROBE = """
import os

def lambda_handler(event, context):
    return [os.environ["AWS_LAMBDA_FUNCTION_VERSION"], context.function_version, context.invoked_function_arn]
"""


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LambdaFunction, LambdaFunction]]:
    folder = tmp_path_factory.mktemp("alias")
    (folder / "handler.py").write_text(PROBE)
    runtime = runtime_client(folder / "runtime")

    def start(version: str) -> LambdaFunction:
        definition = FunctionDefinition("probe", "handler.lambda_handler", folder, (), {}, 128, 5, version)
        return LambdaFunction(
            definition, definition.program(runtime, platform("http://127.0.0.1:1")), folder / "log", 1
        )

    both = start("1"), start("2")
    yield both
    for each in both:
        each.close()


def answers(alias: FunctionAlias, count: int) -> list[str]:
    outcomes = [alias.submit(b"{}").result() for _ in range(count)]
    return [json.loads(outcome.payload)[0] for outcome in outcomes]


def test_all_calls_go_to_the_version_that_it_points_to(versions: tuple[LambdaFunction, LambdaFunction]) -> None:
    old, new = versions
    alias = FunctionAlias(old)
    assert answers(alias, 2) == ["1", "1"]
    alias.point(new)
    assert answers(alias, 2) == ["2", "2"]


def test_an_additional_version_gets_the_part_that_its_weight_says(
    versions: tuple[LambdaFunction, LambdaFunction],
) -> None:
    alias = FunctionAlias(versions[0], draw=cycle([0.05, 0.1, 0.5, 0.95]).__next__)
    alias.share(versions[1], 0.1)
    assert answers(alias, 8) == ["2", "1", "1", "1"] * 2
    assert alias.version is versions[0]
    alias.point(versions[0])
    assert answers(alias, 4) == ["1"] * 4


def test_a_version_knows_its_number_and_the_alias_that_it_was_called_by(
    versions: tuple[LambdaFunction, LambdaFunction],
) -> None:
    alias = FunctionAlias(versions[0])
    alias.share(versions[1], 1)
    number, told, arn = json.loads(alias.submit(b"{}").result().payload)
    assert (number, told, arn.rpartition(":")[2]) == ("2", "2", "live")
