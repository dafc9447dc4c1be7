"""Aliases of functions, with the weights that send part of the calls to another version.

https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
"""

import random
from collections.abc import Callable
from concurrent.futures import Future

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import LIVE, LambdaFunction

# Spreads calls in the same way in each run; not for security.
RANDOM = random.Random(0)  # noqa: S311


class FunctionAlias:
    """Sends each invocation to one version at random, by its weights."""

    def __init__(self, version: LambdaFunction, draw: Callable[[], float] = RANDOM.random) -> None:
        self._version = version
        self._additional: tuple[LambdaFunction, float] | None = None
        self._draw = draw

    @property
    def version(self) -> LambdaFunction:
        """The version that it points to, which gets what no additional version gets."""
        return self._version

    @property
    def weight(self) -> float:
        """The fraction of invocations that an additional version gets."""
        return self._additional[1] if self._additional else 0.0

    def point(self, version: LambdaFunction) -> None:
        """Sends all invocations to one version."""
        self._version, self._additional = version, None

    def share(self, version: LambdaFunction, weight: float) -> None:
        """Sends a fraction of all invocations to another version."""
        self._additional = version, weight

    def submit(self, payload: bytes, trace: str = "", request_id: str = "") -> Future[InvocationResult]:
        """Queues one event for one of the versions."""
        additional = self._additional
        chosen = additional[0] if additional and self._draw() < additional[1] else self._version
        return chosen.submit(payload, trace, request_id, LIVE)
