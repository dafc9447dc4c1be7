"""Runs a stage that takes promotions of its model: `with promoting() as running: ...`."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from botocore.credentials import Credentials

from bonafide_client import Client, SigV4Signer
from local.aws.functions.function import ACCOUNT, REGION, SECRET
from local.aws.synth import synthesize
from local.cloud.metrics.pump import MetricPump
from local.cloud.releases.control_plane import ControlPlane
from local.cloud.releases.published import PublishedVersions
from local.cloud.releases.target import DeployedStack, read
from local.promotion.events import EventBus
from local.promotion.formation import LocalFormation
from local.promotion.pipeline import LocalPipeline, PromotionQueue
from local.promotion.release import LiveReleases
from local.runner import Deployment, ExtraServices, deployment
from ops.registry.client import ModelRegistry


@contextmanager
def promoting(port: int = 0, stage: str = "dev", pace: float = 1, *, signed_only: bool = False) -> Iterator[Deployment]:
    """Deploys a stage to this machine until the context ends, and carries out what its registry is asked for.

    Args:
        port: port of the API on the loopback interface; 0 picks a free one.
        stage: one of cdk.json.
        pace: seconds of a release per real second.
        signed_only: whether requests without a signature are refused.
    """
    with ExitStack() as cleanup:
        pump, control = MetricPump({}, stage=stage), ControlPlane()
        cleanup.callback(control.stop)
        queue = PromotionQueue()
        bus = EventBus(queue.put)
        cleanup.callback(bus.stop)
        services = ExtraServices(pump.record, {**control.variables, **bus.variables}, pump, signed_only=signed_only)
        assembly = synthesize(stage=stage)
        running = cleanup.enter_context(deployment(port, stage=stage, assembly=assembly, services=services))
        pump.names = running.template.resource_names()
        stack = deployed(running, assembly, stage)
        folder = Path(
            cleanup.enter_context(tempfile.TemporaryDirectory(prefix="bonafide-", ignore_cleanup_errors=True))
        )
        releases = LiveReleases(stack, control, pump, _tell, pace)
        signer = SigV4Signer(REGION, Credentials(ACCOUNT, SECRET))
        registry = ModelRegistry(Client(running.endpoint, signer=signer))
        queue.start(LocalPipeline(stage, registry, LocalFormation(stack), folder, releases.release), releases.forget)
        cleanup.callback(queue.stop)
        yield running


def deployed(running: Deployment, assembly: Path, stage: str) -> DeployedStack:
    """Returns the first version of a deployment."""
    published = PublishedVersions()
    version = read(assembly, stage, published.deploy(None, running.template), published)
    return DeployedStack(running, version, published, running.functions)


def _tell(event: str) -> None:
    print(f"  {event}", flush=True)
