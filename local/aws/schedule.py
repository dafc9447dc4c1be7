"""Invokes functions at fixed rates, as the EventBridge rules and schedules of a template define."""

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.aws.functions.environment import InvocationResult
from local.aws.functions.function import ACCOUNT, REGION, ThrottledError
from local.aws.template import StackTemplate

RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
SECONDS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function and the rate at which it is invoked.

    Attributes:
        function: its name.
        seconds: between two invocations.
        source: `aws.events` of a rule, `aws.scheduler` of a schedule.
        arn: of the rule or schedule.
        text: the event, JSON, if the template defines one.
    """

    function: str
    seconds: float
    source: str
    arn: str
    text: str | None = None

    def event(self, now: float) -> bytes:
        """Returns the event of an invocation, JSON."""
        if self.text is not None:
            return self.text.encode()
        detail: Mapping[str, Any] | str = "{}" if self.source == "aws.scheduler" else {}
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": self.source,
            "account": ACCOUNT,
            "time": f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "region": REGION,
            "resources": [self.arn],
            "detail": detail,
        }
        return json.dumps(event).encode()


def rate(expression: str) -> float:
    """Returns the seconds between two invocations of an expression such as `rate(5 minutes)`."""
    found = RATE.fullmatch(expression)
    if not found:
        raise NotImplementedError(f"a schedule other than a rate: {expression}")
    return int(found[1]) * SECONDS[found[2]]


def schedules(template: StackTemplate) -> Iterator[Schedule]:
    """Yields the enabled rules and schedules of a template that invoke functions at a rate."""
    for name, rule in template.raw("AWS::Events::Rule"):
        arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"
        for target in rule["Targets"] if "ScheduleExpression" in rule else []:
            yield from _schedule(template, rule, target, "aws.events", arn)
    for name, schedule in template.raw("AWS::Scheduler::Schedule"):
        arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"
        yield from _schedule(template, schedule, schedule["Target"], "aws.scheduler", arn)


def _schedule(
    template: StackTemplate, owner: Mapping[str, Any], target: Mapping[str, Any], source: str, arn: str
) -> Iterator[Schedule]:
    if owner.get("State") != "DISABLED":
        text = template.resolve(target.get("Input"))
        yield Schedule(template.function(target["Arn"]), rate(owner["ScheduleExpression"]), source, arn, text)


class Scheduler:
    """Invokes one function at its rate until it is stopped; first after one interval, as in AWS."""

    def __init__(
        self, schedule: Schedule, invoke: Callable[[bytes], Future[InvocationResult]], pace: float = 1
    ) -> None:
        """Starts.

        Args:
            schedule: function and rate.
            invoke: starts an invocation with an event.
            pace: seconds of the schedule per real second.
        """
        self._stop = threading.Event()
        self._schedule = schedule
        self._invoke = invoke
        self._seconds = schedule.seconds / pace
        self._thread = threading.Thread(target=self._run, name=schedule.arn, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops without waiting for running invocations."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic() + self._seconds
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += self._seconds
            try:
                self._invoke(self._schedule.event(time.time()))
            except ThrottledError:
                # AWS would retry for hours; here the next invocation comes soon.
                continue
