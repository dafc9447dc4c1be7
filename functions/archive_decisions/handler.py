"""Consumer of the stream of the table of decisions, which it archives; by night it looks for those that were missed."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.bootstrap.ledger import consumer, reconciliation
from bonafide.observability import Event, observed

batches = consumer()
missed = reconciliation()


def archive(event: Event, context: LambdaContext) -> dict[str, Any]:
    """Archives a batch; without one compares the last days, or as many as an operator's event names."""
    if "Records" in event:
        return batches.take(event, context)
    found = missed.run(lambda: context.get_remaining_time_in_millis() / 1000, event.get("days"))
    return {"archived": found}


lambda_handler = observed(archive)
