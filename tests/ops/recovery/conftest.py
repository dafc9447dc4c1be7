"""A deployed data stack with backups, in the emulator."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.aws.emulator import Emulator, emulator
from local.aws.template import StackTemplate
from local.recovery.backups import ContinuousBackups, complete_tables
from ops.restore import data_resources

STACK = "Bonafide-dev-Data"


@dataclass(frozen=True, slots=True)
class DeployedData:
    """The data stack of dev.

    Attributes:
        aws: the emulator.
        template: of the stack.
        exports: of the stack, by name.
        names: physical names of tables and buckets, by the beginning of their logical ids.
        backups: of the tables.
    """

    aws: Emulator
    template: dict[str, Any]
    exports: dict[str, str]
    names: dict[str, str]
    backups: ContinuousBackups

    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Returns the one client of a service: making one takes longer than a test."""
        if service not in self.clients:
            self.clients[service] = self.aws.client(service)
        return self.clients[service]

    def connect(self, service: str, **_: Any) -> Any:
        return self.backups.connect(lambda name, **_: self.client(name))(service)


@pytest.fixture(scope="session")
def deployed(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedData]:
    folder = tmp_path_factory.mktemp("emulator")
    with emulator(folder, folder / "log") as aws:
        exports = aws.deploy(StackTemplate.read(assembly, STACK, {}))
        names = data_resources(aws.client("cloudformation"), "dev")
        template = json.loads((assembly / f"{STACK}.template.json").read_text())
        complete_tables(aws.client, STACK, template)
        backups = ContinuousBackups(aws.client("dynamodb"), lag=timedelta(0))
        yield DeployedData(aws, template, exports, names, backups)
