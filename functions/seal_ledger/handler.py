"""Every hour: seals the days of the archive that are over."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.bootstrap.ledger import sealing
from bonafide.observability import Event, observed

service = sealing()


def seal(_: Event, context: LambdaContext) -> dict[str, int]:
    """Seals as many days as the time allows."""
    return {"sealed": len(service.run(lambda: context.get_remaining_time_in_millis() / 1000))}


lambda_handler = observed(seal)
