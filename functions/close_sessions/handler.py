"""Every minute: makes the decisions final of calls that wait for nobody any more."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.bootstrap.stores import closing
from bonafide.observability import logger, tracer

service = closing()


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
def lambda_handler(_: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Closes as many overdue calls as the time allows."""
    return {"closed": service.close_overdue(lambda: context.get_remaining_time_in_millis() / 1000)}
