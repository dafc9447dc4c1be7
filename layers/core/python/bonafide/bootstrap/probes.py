"""Services that call the product and know the right answers."""

import json
import os

import boto3
from botocore.config import Config

from bonafide.adapters.api import PublicApiClient
from bonafide.adapters.codedeploy import CodeDeployReleases
from bonafide.probes.golden import GoldenSetup
from bonafide.probes.release import ReleaseProbe
from bonafide.probes.synthetic import SyntheticCaller
from bonafide.settings import ProbeSettings, ReleaseSettings, ServiceSettings
from bonafide_client import NO_RETRIES, Client, SigV4Signer

# A new version first has to start, which takes seconds if it holds models. Golden calls are repeated by their caller.
INVOKING = Config(connect_timeout=2, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 1})
# With the pauses between the attempts less than half a minute.
REPORTING = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
# The longest that the API itself waits.
API_SECONDS = 29.0


def golden() -> GoldenSetup:
    """Returns what to call with."""
    settings = ProbeSettings.read(os.environ)
    recordings = {path.stem: path.read_bytes() for path in settings.golden_dir.glob("*.wav")}
    return GoldenSetup(settings.probe_domain, recordings, json.loads(settings.probe_bounds_ms))


def release_probe() -> ReleaseProbe:
    """Returns the service behind CodeDeploy's hook."""
    names = json.loads(ReleaseSettings.read(os.environ).probed_functions)
    releases = CodeDeployReleases(
        boto3.client("codedeploy", config=REPORTING), boto3.client("lambda", config=INVOKING), names
    )
    return ReleaseProbe(golden(), releases, names)


def synthetic_caller() -> SyntheticCaller:
    """Returns the synthetic caller, which signs with the credentials of its role."""
    session = boto3.Session()
    # The golden calls repeat themselves what may be repeated, so that every wrong answer counts.
    client = Client(
        ServiceSettings.read(os.environ).probed_endpoint,
        signer=SigV4Signer(session.region_name, session.get_credentials()),
        timeout=API_SECONDS,
        retries=NO_RETRIES,
    )
    return SyntheticCaller(golden(), PublicApiClient(client))
