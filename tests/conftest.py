"""What several folders of tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from local.aws.synth import synthesize
from tests.hosted import HOSTED

TESTS = Path(__file__).parent

# Other tests and people share the machine, so how long an example takes says nothing.
settings.register_profile("bonafide", deadline=None, max_examples=100 if "REHEARSE" in os.environ else 50)
settings.load_profile("bonafide")


# Tests of these folders share what takes long to set up: each folder stays on one worker, any other file by itself.
SHARING = ("adapters", "api", "layers/model", "ops/recovery", "services", "stacks")
# The service does not run what trains it: the hosted checks do, and whoever names the tests.
collect_ignore = [] if "REHEARSE" in os.environ else ["training"]


# First, because pytest-xdist reads the groups in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        path = item.path.relative_to(TESTS)
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(_group(path.as_posix())))
        if path.parts[0] == "training":
            item.add_marker(HOSTED)


def _group(path: str) -> str:
    return next((folder for folder in SHARING if path.startswith(f"{folder}/")), path)


@pytest.fixture(scope="session")
def assembly() -> Path:
    return synthesize()
