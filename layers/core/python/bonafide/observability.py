"""The one logger and tracer, and the metrics.

Service and level come from POWERTOOLS_SERVICE_NAME and POWERTOOLS_LOG_LEVEL. Requests and responses carry voices and
people's identifiers, so neither is ever logged or traced whole.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.metrics import EphemeralMetrics
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
# Clients are patched where spans are wanted, not all that X-Ray knows: patching everything costs start-up time.
tracer = Tracer(auto_patch=False)

type Event = dict[str, Any]
type Handler[Answer] = Callable[[Event, LambdaContext], Answer]

METRICS: Mapping[str, Any] = json.loads((Path(__file__).parent / "metrics.json").read_text())


class UnknownMetric(KeyError):
    """metrics.json, the one place where metrics are named, has no such metric."""


class Measurements:
    """Metrics of one invocation, collected while it runs and written at its end as one line (EMF).

    Every record is seen by service and by service and version, so that a release can be compared with the one before.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        values = {
            "service": environment.get("POWERTOOLS_SERVICE_NAME", "bonafide"),
            "version": environment.get("AWS_LAMBDA_FUNCTION_VERSION", "none"),
        }
        self._dimensions = [{name: values[name] for name in names} for names in METRICS["dimension_sets"]]
        self._probe_domain = environment.get("BONAFIDE_PROBE_DOMAIN")
        self._writer = EphemeralMetrics(namespace=METRICS["namespace"], service=values["service"])

    def add(self, **values: float) -> None:
        """Adds values of metrics by their names.

        Raises:
            UnknownMetric: nobody would find a metric of this name.
        """
        for name, value in values.items():
            if name not in METRICS["metrics"]:
                raise UnknownMetric(name)
            self._writer.add_metric(name, METRICS["metrics"][name]["unit"], value)

    def add_decision(self, domain: str, decision: str, llr: float | None, latency_ms: float) -> None:
        """Adds a new decision, unless a probe asked for it: those say nothing about callers."""
        if domain == self._probe_domain:
            return
        self.add(
            Decisions=1,
            Accepts=decision == "ACCEPT",
            StepUps=decision == "STEP_UP",
            Rejects=decision == "REJECT",
            Inconclusives=decision == "INCONCLUSIVE",
            DecisionLatency=latency_ms,
        )
        if llr is not None:
            self.add(SpeakerLlr=llr, SpeakerLlrSquared=llr * llr)

    def write(self) -> None:
        """Writes what was added since the last time, if anything."""
        if self._writer.metric_set:
            for dimensions in self._dimensions[1:]:
                self._writer.add_dimensions(**dimensions)
            self._writer.flush_metrics()


measurements = Measurements(os.environ)


class InvocationFailed(Exception):
    """An invocation ended with an error that nobody foresaw; the log has its type and place."""


def observed[Answer](handle: Handler[Answer], correlation_id_path: str | None = None) -> Handler[Answer]:
    """Wraps a function's entry point: logged, traced, measured, and failing without words that may quote its input.

    Args:
        handle: what the function does.
        correlation_id_path: where in the event to find the id that every line of log is to carry.
    """

    @logger.inject_lambda_context(correlation_id_path=correlation_id_path, clear_state=True)
    @tracer.capture_lambda_handler(capture_response=False, capture_error=False)
    def run(event: Event, context: LambdaContext) -> Answer:
        try:
            return handle(event, context)
        except Exception as error:
            log_unexpected(error)
            raise InvocationFailed(type(error).__name__) from None
        finally:
            measurements.write()

    entry: Handler[Answer] = run
    return entry


def log_unexpected(error: Exception) -> None:
    """Logs type and place of an unforeseen exception; its message may quote the request."""
    logger.error("unexpected error", extra={"error_type": type(error).__name__, "place": _place(error)})


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else "unknown"
