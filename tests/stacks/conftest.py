"""Resources of the synthesised templates."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

type Resources = dict[str, dict[str, Any]]
type OfKind = Callable[[str], Resources]


@pytest.fixture(scope="session")
def data(assembly: Path) -> OfKind:
    return _reader(assembly / "Bonafide-dev-Data.template.json")


@pytest.fixture(scope="session")
def service(assembly: Path) -> OfKind:
    return _reader(assembly / "Bonafide-dev-Service.template.json")


def _reader(path: Path) -> OfKind:
    resources: Resources = json.loads(path.read_text())["Resources"]
    return lambda kind: {id_: each for id_, each in resources.items() if each["Type"] == kind}


def statements(policies: Resources) -> Iterator[dict[str, Any]]:
    for policy in policies.values():
        yield from policy["Properties"]["PolicyDocument"]["Statement"]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
