"""Services that call the product and know the right answers."""

import json
import os

import boto3
from botocore.config import Config

from bonafide.adapters.codedeploy import CodeDeployReleases
from bonafide.adapters.front_door import FrontDoor
from bonafide.services.probing import Golden, ReleaseProbe, ServiceProbe
from bonafide.settings import ProbeSettings, ReleaseSettings, ServiceSettings

# A new version first has to start, which takes seconds where it holds models.
PATIENT = Config(connect_timeout=2, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 2})
# The longest that the API itself waits.
API_SECONDS = 29.0


def golden() -> Golden:
    """What to call with."""
    settings = ProbeSettings.read(os.environ)
    recordings = {path.stem: path.read_bytes() for path in settings.golden_dir.glob("*.wav")}
    return Golden(settings.probe_domain, recordings, json.loads(settings.probe_bounds_ms))


def release_probe() -> ReleaseProbe:
    """The service behind CodeDeploy's hook."""
    names = json.loads(ReleaseSettings.read(os.environ).probed_functions)
    releases = CodeDeployReleases(
        boto3.client("codedeploy", config=PATIENT), boto3.client("lambda", config=PATIENT), names
    )
    return ReleaseProbe(golden(), releases, names)


def service_probe() -> ServiceProbe:
    """The synthetic caller."""
    session = boto3.Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise RuntimeError("no credentials to sign requests with")
    endpoint = ServiceSettings.read(os.environ).probed_endpoint
    return ServiceProbe(golden(), FrontDoor(endpoint, session.region_name, credentials, API_SECONDS))
