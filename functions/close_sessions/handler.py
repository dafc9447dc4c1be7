"""Every minute: makes decisions of overdue sessions final, carries erasures on, and deletes what is over."""

from collections.abc import Callable
from functools import partial

from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.bootstrap.erasure import erasure_runs, voiceprint_expiry
from bonafide.bootstrap.stores import closing, shadow_sweep
from bonafide.errors import StoreUnavailable
from bonafide.observability import Event, log_unexpected, measurements, observed

service = closing()
sweep = shadow_sweep()
erasures = erasure_runs()
expiry = voiceprint_expiry()

# Left to the expiry by erasures, which stop five seconds before their time: a page of it.
SECONDS_OF_EXPIRY = 7.0


def close_overdue(_: Event, context: LambdaContext) -> dict[str, int]:
    """Closes as many overdue sessions as the time allows; the rest comes after them, and its stores may fail."""
    left = partial(seconds_left, context)
    closed = service.close_overdue(left)
    delete_waiting()
    erase(left)
    return {"closed": closed}


def seconds_left(context: LambdaContext) -> float:
    """Returns the remaining time of the invocation."""
    return context.get_remaining_time_in_millis() / 1000


def erase(left: Callable[[], float]) -> None:
    """Carries erasures on, and begins those of voiceprints that nobody uses."""
    measurements.add(ErasuresOverdue=erasures.go_on(lambda: left() - SECONDS_OF_EXPIRY))
    expiry.sweep(left)


def delete_waiting() -> None:
    """Deletes audio that waited for too long; where its store fails, the next minute tries again."""
    try:
        sweep.sweep()
    except StoreUnavailable as error:
        log_unexpected(error)


lambda_handler = observed(close_overdue)
