"""What several folders of tests share."""

from pathlib import Path

import pytest

from local.synth import synthesize


@pytest.fixture(scope="session")
def assembly() -> Path:
    return synthesize()
