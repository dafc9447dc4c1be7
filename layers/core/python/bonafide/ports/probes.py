"""Ways into the service for probes, and the releases that they report to."""

from dataclasses import dataclass
from typing import Any, Protocol

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the service, as a caller sees it.

    Attributes:
        status: of HTTP; 502 for a function that failed, 504 when nothing came back.
        document: the parsed body.
        milliseconds: that the caller waited.
    """

    status: int
    document: Document
    milliseconds: float


class Door(Protocol):
    """A way into the service, as callers have it."""

    def send(self, function: str, method: str, path: str, body: Document | None) -> Reply:
        """Sends a request that the named function answers."""


class BackDoor(Door, Protocol):
    """A way to every function, also to those that no request leads to."""

    def invoke(self, function: str, event: Document) -> Reply:
        """Hands an event to a function."""


@dataclass(frozen=True, slots=True)
class ReleaseTarget:
    """The version of a function that is being released; the function by its name in AWS."""

    function: str
    version: str


class Releases(Protocol):
    """Releases under way."""

    def target(self, deployment: str) -> ReleaseTarget:
        """Returns what a deployment releases."""

    def door(self, function: str, version: str) -> BackDoor:
        """Opens a way to a version of one function, and to the others as callers reach them."""

    def report(self, deployment: str, execution: str, *, succeeded: bool) -> None:
        """Says whether a deployment may go on."""
