"""The deployed template, for all tests of a process."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws.functions.function import KEEP_COMPILED
from local.aws.xray import XRayDaemon
from local.runner import Deployment, ExtraServices, deployment
from tests.api.parts import Api


@pytest.fixture(scope="session")
def xray() -> Iterator[XRayDaemon]:
    """What the functions tell X-Ray of requests whose trace header says that they are sampled."""
    daemon = XRayDaemon()
    yield daemon
    daemon.stop()


@pytest.fixture(scope="session")
def bonafide(assembly: Path, xray: XRayDaemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    # The brake of the stage is kept for a shorter time than on AWS, so that the test of it does not take as long.
    variables = {"AWS_XRAY_DAEMON_ADDRESS": xray.address, "BONAFIDE_BRAKE_KEPT_SECONDS": "0.5"}
    services = ExtraServices(variables=variables | KEEP_COMPILED, pause=0.1)
    with deployment(assembly=assembly, logs=tmp_path_factory.mktemp("logs"), services=services) as running:
        yield running


@pytest.fixture(scope="session")
def api(bonafide: Deployment) -> Iterator[Api]:
    api = Api(bonafide.endpoint)
    yield api
    api.close()


@pytest.fixture
def domain(api: Api) -> str:
    """A new domain that asks for little speech, since the recordings are short, and tells exact scores."""
    name = f"domain-{uuid.uuid4()}"
    # Nor are there many, so that tests use them again.
    policy = {"minimum_enrolment_seconds": 5, "disclosure": "full"}
    created = api.call("PUT", f"/v1/domains/{name}", {"policy": policy, "retention": {"replay_days": 0}})
    assert created.status == 200, created
    return name
