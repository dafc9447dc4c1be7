"""Every day: removes entries of watchlists that expired, and finds voices that are enrolled under two names."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.bootstrap.registration import double_enrollments, watchlist_sweep
from bonafide.observability import Event, observed

sweep = watchlist_sweep()
service = double_enrollments()


def compare(_: Event, context: LambdaContext) -> dict[str, int]:
    """Removes what expired, and compares the speakers of as many domains as the time allows."""

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    removed, found = sweep.run(seconds_left), service.run(seconds_left)
    return {"removed": removed, "double_enrollments": found}


lambda_handler = observed(compare)
