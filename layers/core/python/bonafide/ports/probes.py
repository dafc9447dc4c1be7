"""The service as probes call it, and the releases that they report to."""

from dataclasses import dataclass
from typing import Any, Protocol

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ProbeResponse:
    """An answer of the service.

    Attributes:
        status: of HTTP; 502 for a function that failed, 504 when nothing came back.
        document: the parsed body.
        milliseconds: duration of the request.
    """

    status: int
    document: Document
    milliseconds: float


class ApiClient(Protocol):
    """Calls the REST API."""

    def send(self, function: str, method: str, path: str, body: Document | None) -> ProbeResponse:
        """Sends a request that the named function answers."""


class FunctionInvoker(ApiClient, Protocol):
    """Invokes functions past the API, also those that answer no request."""

    def invoke(self, function: str, event: Document) -> ProbeResponse:
        """Invokes a function with an event."""


@dataclass(frozen=True, slots=True)
class ReleaseTarget:
    """The version of a function that is being released.

    Attributes:
        function: its name in AWS.
        version: number of the version.
        returns: whether it is an earlier version, which CloudFormation goes back to.
    """

    function: str
    version: str
    returns: bool = False


class ReleaseHooks(Protocol):
    """Releases that wait for a hook."""

    def target(self, deployment: str) -> ReleaseTarget:
        """Returns what a deployment releases."""

    def invoker(self, function: str, version: str) -> FunctionInvoker:
        """Returns an invoker of a version of one function, and of the others' released versions."""

    def report(self, deployment: str, execution: str, *, succeeded: bool) -> None:
        """Reports whether a deployment may go on."""
