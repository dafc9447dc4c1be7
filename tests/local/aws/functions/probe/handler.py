"""A function that does as it is told, to see what the runner makes of it."""

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from typing import Any

if os.environ.get("REFUSE_TO_START"):
    raise RuntimeError("the bundle is corrupt")


def _pid(event: dict[str, Any]) -> int:
    time.sleep(event.get("seconds", 0))
    return os.getpid()


ACTIONS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "crash": lambda event: os._exit(3),
    "environment": lambda event: dict(os.environ),
    "fail": lambda event: event["missing"],
    "find": lambda event: importlib.util.find_spec(event["module"]) is not None,
    "pid": _pid,
    "say": lambda event: sys.stdout.write(event["words"]),
}


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Does what the event asks for, or answers an API event with the event itself."""
    if "action" in event:
        return ACTIONS[event["action"]](event)
    return {
        "event": event,
        "request_id": context.aws_request_id,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "memory": context.memory_limit_in_mb,
        "arn": context.invoked_function_arn,
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
    }
