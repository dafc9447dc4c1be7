"""Events of the local platform that AWS would count in metrics of its own."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from json import loads
from time import time

from local.aws.functions.alias import FunctionAlias
from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import FunctionDefinition


class PlatformObserver:
    """Is told of events, and ignores them."""

    def throttled(self, definition: FunctionDefinition, qualifier: str) -> None:
        """Takes an invocation that was refused because too many were waiting."""

    def answered(self, status: int) -> None:
        """Takes the status of an answer of the API, from a function or from API Gateway."""

    def read_late(self, definition: FunctionDefinition, milliseconds: float) -> None:
        """Takes how long the last record of a batch had waited when the batch was sent to its function."""


@dataclass(frozen=True, slots=True)
class ObservedConsumer:
    """A function that a stream invokes, with the age of what it reads."""

    alias: FunctionAlias
    observe: Callable[[FunctionDefinition, float], None]

    def submit(self, payload: bytes, *, request_id: str) -> Future[InvocationResult]:
        """Starts an invocation."""
        last = loads(payload)["Records"][-1]
        kinesis, change = last.get("kinesis"), last.get("dynamodb")
        arrived = kinesis["approximateArrivalTimestamp"] if kinesis else change["ApproximateCreationDateTime"]
        self.observe(self.alias.version.definition, (time() - arrived) * 1000)
        return self.alias.submit(payload, request_id=request_id)
