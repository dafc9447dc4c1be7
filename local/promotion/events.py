"""EventBridge's default bus, as far as promotions need it: an event of the registry starts the release pipeline.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from local.aws.http import HttpHandler, LoopbackServer

TARGET = "AWSEvents.PutEvents"
SOURCE, DETAIL_TYPE = "bonafide.models", "Model promotion requested"
MAX_BODY = 256 * 1024
# What an entry needs to be delivered to a rule.
NEEDED = ("Source", "DetailType", "Detail")

# Called with the detail of an event that asks for a promotion.
type OnPromotion = Callable[[Mapping[str, Any]], object]


class EventBus:
    """Takes events, and hands those of one rule on: requests for promotions.

    Attributes:
        variables: environment variables that direct the clients of functions here.
    """

    def __init__(self, requested: OnPromotion) -> None:
        self._requested = requested
        self._server = LoopbackServer(0, _interface(self))
        self._server.start()
        self.variables: Mapping[str, str] = {"AWS_ENDPOINT_URL_EVENTBRIDGE": f"http://{self._server.address}"}

    def put(self, entry: Mapping[str, Any]) -> Mapping[str, str]:
        """Takes one event; returns its result entry."""
        if missing := [name for name in NEEDED if not entry.get(name)]:
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": f"{', '.join(missing)} missing"}
        if entry.get("EventBusName", "default") != "default":
            return {"ErrorCode": "ResourceNotFoundException", "ErrorMessage": "no such bus"}
        try:
            detail = json.loads(entry["Detail"])
        except ValueError:
            return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        if (entry["Source"], entry["DetailType"]) == (SOURCE, DETAIL_TYPE):
            self._requested(detail)
        return {"EventId": str(uuid.uuid4())}

    def stop(self) -> None:
        """Frees the port."""
        self._server.stop()


def _interface(bus: EventBus) -> type[HttpHandler]:
    class EventsInterface(HttpHandler):
        """The one operation that functions call."""

        def do_POST(self) -> None:  # noqa: N802
            body = self.read_body(MAX_BODY)
            if self.headers.get("X-Amz-Target") != TARGET:
                self._send(400, {"__type": "UnknownOperationException"})
                return
            results = [bus.put(entry) for entry in json.loads(body)["Entries"]]
            self._send(200, {"FailedEntryCount": sum("ErrorCode" in each for each in results), "Entries": results})

        def _send(self, status: int, document: Mapping[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.answer(status, [("Content-Type", "application/x-amz-json-1.1")], content)

    return EventsInterface
