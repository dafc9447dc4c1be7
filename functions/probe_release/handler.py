"""Called by CodeDeploy before and after it shifts traffic: checks that the new version answers golden calls rightly."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.bootstrap.probes import release_probe
from bonafide.observability import Event, observed

probe = release_probe()


def probe_version(event: Event, context: LambdaContext) -> None:
    """Reports to CodeDeploy, which waits for the report and not for this function to end."""
    probe.handle(event, lambda: context.get_remaining_time_in_millis() / 1000)


lambda_handler = observed(probe_version)
