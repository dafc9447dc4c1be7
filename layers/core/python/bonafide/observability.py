"""Logger, tracer and metrics.

Service and level come from POWERTOOLS_SERVICE_NAME and POWERTOOLS_LOG_LEVEL. Requests and responses carry voices and
people's identifiers, so neither is ever logged or traced whole.
"""

import functools
import itertools
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from bonafide.settings import is_probed

logger = Logger()
# Clients are patched where spans are wanted, not all that X-Ray knows: patching everything costs start-up time.
tracer = Tracer(auto_patch=False)
# X-Ray's own recorder, for parts of a trace that begin and end in different places.
recorder: Any = tracer.provider

type Event = dict[str, Any]
type Timings = dict[str, float]
type Handler[Answer] = Callable[[Event, LambdaContext], Answer]

TRACE_VARIABLE = "_X_AMZN_TRACE_ID"
TRACE_HEADER = re.compile(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=1")

# The embedded metric format takes as many values of one metric in a line.
MAX_VALUES = 100
METRICS: Mapping[str, Any] = json.loads((Path(__file__).parent / "metrics.json").read_text())


class UnknownMetric(KeyError):
    """Raised for a metric that metrics.json, the one place where metrics are named, does not have."""


class Measurements:
    """Metrics of one invocation, collected while it runs and written at its end as lines in the embedded metric format.

    metrics.json says by which dimensions a metric is recorded; one with a dimension that has no value here is not.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """

    def __init__(self, environment: Mapping[str, str], dependency: str = "") -> None:
        """Takes the function's variables, and the table, bucket or stream that the metrics are about, if any."""
        known = {
            "dependency": dependency,
            "stage": environment.get("BONAFIDE_STAGE", "none"),
            "service": environment.get("POWERTOOLS_SERVICE_NAME", "bonafide"),
            "version": environment.get("AWS_LAMBDA_FUNCTION_VERSION", "none"),
            "objective": environment.get("BONAFIDE_OBJECTIVE", ""),
        }
        self._dimensions = {name: value for name, value in known.items() if value}
        self._probe_domain = environment.get("BONAFIDE_PROBE_DOMAIN", "")
        self._values: dict[str, list[float]] = {}
        self._environment = environment
        self._of_dependencies: dict[str, Measurements] = {}

    def add(self, **values: float) -> None:
        """Adds values of metrics by their names.

        Raises:
            UnknownMetric: metrics.json has no metric of this name.
        """
        for name, value in values.items():
            if name not in METRICS["metrics"]:
                raise UnknownMetric(name)
            if len(self._values.get(name, ())) == MAX_VALUES:
                self.write()
            self._values.setdefault(name, []).append(float(value))

    def add_fault(self, dependency: str) -> None:
        """Counts a call to a table, bucket or stream that failed or was slow."""
        mine = self._of_dependencies.setdefault(dependency, Measurements(self._environment, dependency))
        mine.add(DependencyFaults=1)

    def add_decision(
        self,
        domain: str,
        decision: str,
        latency_ms: float,
        llr: float | None,
        liveness_llr: float | None = None,
        *,
        spoof: bool = False,
    ) -> None:
        """Adds a new decision, unless it is of a golden call: those say nothing about callers.

        Args:
            domain: of the decision.
            decision: outcome of the judgement.
            latency_ms: how long it took.
            llr: of the speaker, if a voice was compared.
            liveness_llr: of bona fide speech, if it was detected.
            spoof: whether the liveness state is spoof.
        """
        if is_probed(domain, self._probe_domain):
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
        if liveness_llr is not None:
            self.add(LivenessLlr=liveness_llr, SpoofsSuspected=spoof)

    def pending(self) -> Mapping[str, list[float]]:
        """Returns the values that were added since the last write."""
        return {name: list(values) for name, values in self._values.items()}

    def write(self, **properties: str) -> None:
        """Writes the values that were added since the last write, if any.

        Args:
            properties: by which the lines can be found; they are no dimensions, so they may have any number of values.
        """
        if self._values:
            stamp = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": list(self._directives())}
            line = {"_aws": stamp, **self._dimensions, **properties, **self._values}
            sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
            sys.stdout.flush()
        self._values = {}
        for each in self._of_dependencies.values():
            each.write(**properties)

    def _directives(self) -> Iterator[dict[str, Any]]:
        """Yields a directive for each group of metrics that are recorded by the same dimensions."""
        for sets, group in itertools.groupby(sorted(self._values, key=_recorded_by), _recorded_by):
            metrics = [{"Name": name, "Unit": METRICS["metrics"][name]["unit"]} for name in group]
            if known := [each for each in sets if self._dimensions.keys() >= set(each)]:
                yield {"Namespace": METRICS["namespace"], "Dimensions": known, "Metrics": metrics}


def _recorded_by(name: str) -> list[list[str]]:
    sets: list[list[str]] = METRICS["metrics"][name]["by"]
    return sets


measurements = Measurements(os.environ)


class InvocationFailed(Exception):
    """Raised when an invocation ended with an unforeseen error; the log has its type and place."""


def observed[Answer](handle: Handler[Answer], correlation_id_path: str | None = None) -> Handler[Answer]:
    """Wraps a function's entry point: logged, traced, measured, and failing without texts that may quote its input.

    Args:
        handle: the function's work.
        correlation_id_path: path in the event of the identifier that every log line carries.
    """

    @logger.inject_lambda_context(correlation_id_path=correlation_id_path, clear_state=True)
    @tracer.capture_lambda_handler(capture_response=False, capture_error=False)
    @functools.wraps(handle)
    def run(event: Event, context: LambdaContext) -> Answer:
        annotate(request_id=request_id())
        try:
            return handle(event, context)
        except Exception as error:
            log_unexpected(error)
            raise InvocationFailed(type(error).__name__) from None
        finally:
            known = logger.get_current_keys()
            measurements.write(**{name: known[name] for name in ("correlation_id", "call") if known.get(name)})

    entry: Handler[Answer] = run
    return entry


def request_id() -> str | None:
    """Returns the API's id of the request that is being answered; None outside of one."""
    return logger.get_correlation_id()


def follow(request_id: str | None) -> None:
    """Marks the log, the trace and the metrics' line with the session that the work is for.

    Args:
        request_id: of the request that started the session; None when the work is for none.
    """
    logger.append_keys(call=request_id)
    annotate(call=request_id)


def annotate(**values: str | None) -> None:
    """Lets the current part of the trace be found by values; None is left out."""
    for name, value in values.items():
        if value is not None:
            tracer.put_annotation(name, value)


@contextmanager
def stage(name: str, timings: Timings | None = None) -> Iterator[None]:
    """Shows one stage of the work in the trace; of an error only the type, since its message may quote the input.

    Args:
        name: of the stage.
        timings: takes the stage's duration in milliseconds, if given.
    """
    subsegment = recorder.begin_subsegment(name)
    started = time.perf_counter()
    try:
        yield
    except Exception as error:
        subsegment.put_annotation("error", type(error).__name__)
        subsegment.add_error_flag()
        raise
    finally:
        if timings is not None:
            timings[name] = round((time.perf_counter() - started) * 1000, 3)
        recorder.end_subsegment()


def trace_header() -> str | None:
    """Returns the header with which `continued` resumes the current trace elsewhere; None when it is not sampled."""
    if not recorder.is_sampled():
        return None
    here = recorder.get_trace_entity()
    return f"Root={here.trace_id};Parent={here.id};Sampled=1"


@contextmanager
def continued(header: str | None, name: str) -> Iterator[None]:
    """Records a stage in the trace of the request that it serves, not of the batch's invocation.

    A batch holds records of many requests. X-Ray's SDK attaches everything to the one trace that the environment
    names, so that is what changes meanwhile; the annotation `invocation` leads back to the trace of the batch.

    Args:
        header: as `trace_header` wrote it; with anything else the stage is one of the invocation.
        name: of the stage.
    """
    if tracer.disabled or not header or not TRACE_HEADER.fullmatch(header):
        with stage(name):
            yield
        return
    batch_header, entity = os.environ.get(TRACE_VARIABLE, ""), recorder.get_trace_entity()
    os.environ[TRACE_VARIABLE] = header
    recorder.clear_trace_entities()
    try:
        with stage(name):
            annotate(invocation=entity.trace_id)
            yield
    finally:
        os.environ[TRACE_VARIABLE] = batch_header
        recorder.set_trace_entity(entity)


def log_unexpected(error: Exception) -> None:
    """Logs type and place of an unforeseen exception; its message may quote the request."""
    logger.error("unexpected error", extra={"error_type": type(error).__name__, "place": _place(error)})


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else "unknown"
