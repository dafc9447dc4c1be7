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


# Tests of these folders share what takes long to set up: each folder stays on one worker.
SHARING = ("api", "stacks")


# First, because pytest-xdist reads the groups in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in SHARING:
            item.add_marker(pytest.mark.xdist_group(folder))
        # The service does not run what trains it.
        if folder == "training":
            item.add_marker(HOSTED)


@pytest.fixture(scope="session")
def assembly() -> Path:
    return synthesize()
