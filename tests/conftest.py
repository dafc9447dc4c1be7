"""What several folders of tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

from local.aws.synth import synthesize

# Other tests and people share the machine, so how long an example takes says nothing.
settings.register_profile("bonafide", deadline=None)
settings.load_profile("bonafide")


@pytest.fixture(scope="session")
def assembly() -> Path:
    return synthesize()
