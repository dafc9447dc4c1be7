"""On a schedule: calls the API as a contact center would, with recordings whose right answer is known."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.bootstrap.probes import synthetic_caller
from bonafide.observability import Event, observed

caller = synthetic_caller()


def probe_service(_: Event, __: LambdaContext) -> dict[str, int]:
    """Returns how many checks failed; the metrics say which calls."""
    return caller.handle()


lambda_handler = observed(probe_service)
