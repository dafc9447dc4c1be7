"""Every minute: makes the decisions of overdue sessions final."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.bootstrap.stores import closing
from bonafide.observability import Event, observed

service = closing()


def close_overdue(_: Event, context: LambdaContext) -> dict[str, int]:
    """Closes as many overdue sessions as the time allows."""
    return {"closed": service.close_overdue(lambda: context.get_remaining_time_in_millis() / 1000)}


lambda_handler = observed(close_overdue)
