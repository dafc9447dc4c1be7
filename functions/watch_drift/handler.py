"""Every hour: compares what callers bring, and what the models make of it, with each domain's baseline."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.bootstrap.stores import drift_watch
from bonafide.observability import Event, observed

service = drift_watch()


def watch(event: Event, context: LambdaContext) -> dict[str, int]:
    """Compares as many domains as the time allows; an operator's event names a domain that is to learn anew."""
    if "learn" in event:
        learned = service.learn(event["learn"], event["days"])
        return {"version": learned.version, "signals": len(learned.signals)}
    windows = service.watch(lambda: context.get_remaining_time_in_millis() / 1000)
    return {"windows": len(windows), "drifted": sum(len(each.drifted) for each in windows)}


lambda_handler = observed(watch)
