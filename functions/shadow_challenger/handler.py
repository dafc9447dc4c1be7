"""Every minute: lets the challenger score the recordings that wait for it, and deletes them."""

import time

from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.bootstrap.shadow import challenger_models, shadow_scoring
from bonafide.observability import Event, observed

service = shadow_scoring()
challenger = challenger_models()
# Of each minute: the bound of what the shadow costs.
WORKING_SECONDS = 20.0


def score(_: Event, __: LambdaContext) -> dict[str, int]:
    """Scores what waits, as far as the time goes."""
    end = time.monotonic() + WORKING_SECONDS
    return {"scored": service.run(challenger, lambda: end - time.monotonic())}


lambda_handler = observed(score)
