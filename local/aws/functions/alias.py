"""The alias that a function is called by, which may send part of its calls to another version.

https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
"""

import random
from collections.abc import Callable
from concurrent.futures import Future

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import LIVE, LambdaFunction

# Only has to spread calls, and does so the same way each time.
DICE = random.Random(0)  # noqa: S311


class FunctionAlias:
    """Sends each call to one version by chance, as its weights say."""

    def __init__(self, version: LambdaFunction, dice: Callable[[], float] = DICE.random) -> None:
        self._version = version
        self._additional: tuple[LambdaFunction, float] | None = None
        self._dice = dice

    @property
    def version(self) -> LambdaFunction:
        """What it points to: all calls go there that no additional version gets."""
        return self._version

    @property
    def weight(self) -> float:
        """The part of the calls that an additional version gets."""
        return self._additional[1] if self._additional else 0.0

    def point(self, version: LambdaFunction) -> None:
        """Sends everything to one version."""
        self._version, self._additional = version, None

    def share(self, version: LambdaFunction, weight: float) -> None:
        """Sends a part of all calls to another version."""
        self._additional = version, weight

    def submit(self, payload: bytes, trace: str = "", request_id: str = "") -> Future[InvocationResult]:
        """Queues one event for one of the versions."""
        additional = self._additional
        chosen = additional[0] if additional and self._dice() < additional[1] else self._version
        return chosen.submit(payload, trace, request_id, LIVE)
