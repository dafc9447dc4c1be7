"""The API routes to a function what its handler answers, and nothing else."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from local.synth import ROOT

from tests.stacks.conftest import OfKind

type Route = tuple[str, str]

HANDLERS = sorted(
    path for path in (ROOT / "functions").glob("*/handler.py") if "create_app" in path.read_text(encoding="utf-8")
)


def answered(handler: Path) -> set[Route]:
    """Method and path of each route of a handler; its environment has to be set."""
    spec = importlib.util.spec_from_file_location("handler", handler)
    assert spec
    assert spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    routes = [*module.app._static_routes, *module.app._dynamic_routes]
    return {(method, re.sub(r"<(\w+)>", r"{\1}", route.path)) for route in routes for method in as_set(route.method)}


def as_set(methods: Any) -> set[str]:
    return {methods} if isinstance(methods, str) else set(methods)


@pytest.fixture(scope="session")
def routed(service: OfKind) -> dict[str, set[Route]]:
    """Method and path of each route of the API, by the id of the alias that it leads to."""
    resources, aliases = service("AWS::ApiGateway::Resource"), service("AWS::Lambda::Alias")
    found: dict[str, set[Route]] = {id_: set() for id_ in aliases}
    for method in service("AWS::ApiGateway::Method").values():
        parts = method["Properties"]["Integration"]["Uri"]["Fn::Join"][1]
        (alias,) = [part["Ref"] for part in parts if isinstance(part, dict) and part.get("Ref") in aliases]
        found[alias].add((method["Properties"]["HttpMethod"], path(resources, method["Properties"]["ResourceId"])))
    return found


def path(resources: dict[str, Any], reference: dict[str, Any]) -> str:
    if "Ref" not in reference:
        return ""
    properties = resources[reference["Ref"]]["Properties"]
    return f"{path(resources, properties['ParentId'])}/{properties['PathPart']}"


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.parent.name)
def test_the_api_routes_what_the_handler_answers(handler: Path, routed: dict[str, set[Route]]) -> None:
    prefix = handler.parent.name.title().replace("_", "") + "Alias"
    (routes,) = [routes for alias, routes in routed.items() if alias.startswith(prefix)]
    assert routes == answered(handler)
    assert routes
