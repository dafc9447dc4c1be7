"""The time that an invocation may still spend on golden calls."""

from collections.abc import Callable

from bonafide.ports.probes import ApiClient, Document, FunctionInvoker, ProbeResponse

# Returns seconds.
type SecondsLeft = Callable[[], float]


class WrongAnswer(Exception):
    """A golden call was answered wrongly, late or not at all."""


class OutOfTime(WrongAnswer):
    """The time for golden calls is over before all of them were made."""


class TimedApiClient:
    """`ApiClient` that sends nothing when the invocation is about to end."""

    def __init__(self, client: ApiClient, seconds_left: SecondsLeft, reserved: float) -> None:
        """Stores its dependencies.

        Args:
            client: that sends the requests.
            seconds_left: returns the remaining time of the invocation.
            reserved: seconds that the longest request and what comes after the golden calls may take.
        """
        self._client = client
        self._seconds_left = seconds_left
        self._reserved = reserved

    def send(self, function: str, method: str, path: str, body: Document | None) -> ProbeResponse:
        """See `ApiClient`.

        Raises:
            OutOfTime: no time is left.
        """
        self._check(function)
        return self._client.send(function, method, path, body)

    def _check(self, function: str) -> None:
        if self._seconds_left() < self._reserved:
            raise OutOfTime(f"no time is left to call {function}")


class TimedInvoker(TimedApiClient):
    """`FunctionInvoker` that invokes nothing when the invocation is about to end."""

    def __init__(self, invoker: FunctionInvoker, seconds_left: SecondsLeft, reserved: float) -> None:
        """Stores its dependencies; see `TimedApiClient`."""
        super().__init__(invoker, seconds_left, reserved)
        self._invoker = invoker

    def invoke(self, function: str, event: Document) -> ProbeResponse:
        """See `FunctionInvoker`.

        Raises:
            OutOfTime: no time is left.
        """
        self._check(function)
        return self._invoker.invoke(function, event)
