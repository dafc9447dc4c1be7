"""On a schedule: calls the API as a customer would, with recordings whose right answer is known."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.bootstrap.probes import service_probe
from bonafide.observability import Event, observed

probe = service_probe()


def probe_service(_: Event, __: LambdaContext) -> dict[str, int]:
    """Says how many checks failed; the metrics say which calls."""
    return probe.handle()


lambda_handler = observed(probe_service)
