"""Each function starts with exactly the variables that the template gives it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ops.synthesis import ROOT
from tests.stacks.conftest import OfKind
from tests.stacks.starts import PREFIX

FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))
# Names, ARNs and URLs that only CloudFormation knows; no start calls them.
UNKNOWN = "https://stand-in"
# JSON with ARNs inside, which is read at the start.
KNOWN_FORMS = {
    "BONAFIDE_PROBED_FUNCTIONS": "{}",
    "BONAFIDE_ACCESS_RULES": '{"stage": null, "probers": []}',
    "BONAFIDE_QUOTA_RULES": '{"most": {"requests_per_second": 50, "burst": 100}, "default": null}',
}
LAYERS = {"/opt/bundle": ".build/layers/model/bundle", "/opt/golden": ".build/layers/golden/golden"}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "us-east-1"}
# Read by every function as it is imported: what golden calls are, and by what metrics are recorded.
OPTIONAL = {"BONAFIDE_OBJECTIVE", "BONAFIDE_PROBE_DOMAIN", "BONAFIDE_STAGE"}


@pytest.fixture(scope="module")
def variables(service: OfKind) -> dict[str, dict[str, Any]]:
    every = [each["Properties"]["Environment"]["Variables"] for each in service("AWS::Lambda::Function").values()]
    return {each["POWERTOOLS_SERVICE_NAME"]: each for each in every}


def resolved(name: str, value: Any) -> str:
    if isinstance(value, str):
        return str(ROOT / LAYERS[value]) if value in LAYERS else value
    return KNOWN_FORMS.get(name, UNKNOWN)


def start(handlers: dict[str, dict[str, str]]) -> dict[str, Any]:
    """What each handler reads at its start, and what it says when one variable is missing."""
    python = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "PYTHONPATH"}}
    done = subprocess.run(
        [sys.executable, "-m", "tests.stacks.starts"],
        input=json.dumps(handlers),
        cwd=ROOT,
        env=python | CREDENTIALS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def started(variables: dict[str, dict[str, Any]]) -> dict[str, Any]:
    given = {
        str(ROOT / f"functions/{function}/handler.py"): {
            name: resolved(name, value) for name, value in variables[function].items()
        }
        for function in FUNCTIONS
    }
    return {Path(path).parent.name: found for path, found in start(given).items()}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_gets_what_it_reads_and_nothing_else(
    function: str, started: dict[str, Any], variables: dict[str, dict[str, Any]]
) -> None:
    given = {name for name in variables[function] if name.startswith(PREFIX)}
    assert given == set(started[function]["read"])
    for name in given - OPTIONAL:
        assert started[function]["without"][name] == f"MissingSetting: environment variable {name} is not set"


def test_the_recording_sees_a_variable_that_is_missing_or_only_looked_for(tmp_path: Path) -> None:
    handler = tmp_path / "handler.py"
    handler.write_text("import os\nos.environ.get('BONAFIDE_A')\n'BONAFIDE_B' in os.environ\nos.getenv('BONAFIDE_C')\n")
    assert start({str(handler): {}})[str(handler)]["read"] == ["BONAFIDE_A", "BONAFIDE_B", "BONAFIDE_C"]


def test_data_reach_a_function_together_with_their_name(variables: dict[str, dict[str, Any]]) -> None:
    assert {name for name in variables["describe_service"] if name.startswith(PREFIX)} == OPTIONAL
