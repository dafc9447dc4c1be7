"""On a schedule: calls the API as a contact center would, with recordings whose right answer is known."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.bootstrap.probes import synthetic_caller
from bonafide.observability import Event, observed

caller = synthetic_caller()


def probe_service(_: Event, context: LambdaContext) -> dict[str, int]:
    """Returns how many checks failed; the metrics say which calls."""
    return caller.handle(lambda: context.get_remaining_time_in_millis() / 1000)


lambda_handler = observed(probe_service)
