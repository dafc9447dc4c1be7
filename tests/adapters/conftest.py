"""The state of the deployed template, in the emulator."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from bonafide.bootstrap.clients import CALLS, UPLOADS
from local.aws.emulator import emulator
from local.aws.functions.function import ACCOUNT, REGION, SECRET
from local.aws.template import StackTemplate


@dataclass(frozen=True, slots=True)
class State:
    """Tables and bucket of the data stack, and clients configured as in the functions."""

    endpoint: str
    names: dict[str, str]

    def name(self, construct: str) -> str:
        # Behind a construct's identifier come eight hexadecimal digits: `Audio` is not `AudioStream`.
        export = re.compile(rf"OutputRef{construct}[0-9A-F]{{8}}")
        return next(value for name, value in self.names.items() if export.search(name))

    @property
    def dynamodb(self) -> Any:
        return self.client("dynamodb")

    def client(self, service: Any) -> Any:
        return _client(self.endpoint, service, CALLS)

    @property
    def s3(self) -> Any:
        return _client(self.endpoint, "s3", UPLOADS)


@pytest.fixture(scope="session")
def state(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    folder = tmp_path_factory.mktemp("emulator")
    with emulator(folder, folder / "log") as aws:
        yield State(aws.endpoint, aws.deploy(StackTemplate.read(assembly, "Bonafide-dev-Data", {})))


# To read the description of a service takes longer than most tests.
@cache
def _client(endpoint: str, service: Any, config: Config) -> Any:
    return boto3.Session(ACCOUNT, SECRET, region_name=REGION).client(service, endpoint_url=endpoint, config=config)
