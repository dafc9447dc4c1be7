"""Every minute: makes the decisions of overdue sessions final, and deletes audio that waited for too long."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.bootstrap.stores import closing, shadow_sweep
from bonafide.errors import StoreUnavailable
from bonafide.observability import Event, log_unexpected, observed

service = closing()
sweep = shadow_sweep()


def close_overdue(_: Event, context: LambdaContext) -> dict[str, int]:
    """Closes as many overdue sessions as the time allows; the audio comes after them, and its store may fail."""
    closed = service.close_overdue(lambda: context.get_remaining_time_in_millis() / 1000)
    delete_waiting()
    return {"closed": closed}


def delete_waiting() -> None:
    """Deletes audio that waited for too long; where its store fails, the next minute tries again."""
    try:
        sweep.sweep()
    except StoreUnavailable as error:
        log_unexpected(error)


lambda_handler = observed(close_overdue)
