"""Calls to AWS in the trace: which service, which operation and its status; never the parameters, which name people."""

import os
from typing import Any

from bonafide.adapters.faults import FaultCounter
from bonafide.observability import recorder, tracer

KEY = "bonafide.subsegment"


def traced[Client: Any](client: Client) -> Client:
    """Shows every call of a boto3 client in the trace, and counts those that fail or are slow.

    X-Ray's own patch of botocore costs more time at start, and would write the keys of S3 objects into the trace.
    """
    FaultCounter(os.environ).register(client)
    if not tracer.disabled:
        client.meta.events.register("before-call", begin)
        client.meta.events.register("after-call", end)
        client.meta.events.register("after-call-error", _fail)
    return client


def begin(model: Any, context: dict[str, Any], **_: object) -> None:
    """Takes botocore's event before a call."""
    name = model.service_model.service_id.replace(" ", "")
    context[KEY] = recorder.begin_subsegment(name, namespace="aws")
    context[KEY].set_aws({"operation": model.name})


def end(http_response: Any, context: dict[str, Any], **_: object) -> None:
    """Takes botocore's event after a call."""
    context[KEY].apply_status_code(http_response.status_code)
    recorder.end_subsegment()


def _fail(exception: Exception, context: dict[str, Any], **_: object) -> None:
    context[KEY].put_annotation("error", type(exception).__name__)
    context[KEY].add_fault_flag()
    recorder.end_subsegment()
