"""The dashboard: its first row shows whether callers are served, and whether a fault is in the model or in the code."""

from collections.abc import Mapping, Sequence
from itertools import batched

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.burn_rate import counts
from stacks.metrics import by_version, emitted, expression
from stacks.slo import Objectives, Slo

MINUTE = Duration.minutes(1)
AUTHENTICATION = "authenticate_caller"
COLORS = {
    "Accepts": cloudwatch.Color.GREEN,
    "StepUps": cloudwatch.Color.ORANGE,
    "Rejects": cloudwatch.Color.RED,
    "Inconclusives": cloudwatch.Color.GREY,
}


def dashboard(scope: Construct, objectives: Objectives, alarms: Sequence[cloudwatch.IAlarm]) -> cloudwatch.Dashboard:
    """Creates the dashboard of a stage.

    Args:
        scope: stack that it belongs to.
        objectives: of slo.yaml.
        alarms: those that notify the on-call engineer.
    """
    made = cloudwatch.Dashboard(scope, "Dashboard", default_interval=Duration.hours(3))
    made.add_widgets(_served(objectives), _model(), _code())
    made.add_widgets(cloudwatch.AlarmStatusWidget(alarms=list(alarms), title="Alarms", width=24, height=3))
    for row in batched(objectives.slos, 3):
        made.add_widgets(*[_good(slo) for slo in row])
    made.add_widgets(_budgets(objectives), _mix(), _failed())
    made.add_widgets(_latencies(), _stream(), _liveness())
    return made


def _graph(
    title: str,
    left: Mapping[str, cloudwatch.IMetric],
    *,
    right: Mapping[str, cloudwatch.IMetric] | None = None,
    unit: str = "",
    objective: float | None = None,
) -> cloudwatch.GraphWidget:
    lines = [_labeled(label, metric) for label, metric in left.items()]
    more = [_labeled(label, metric) for label, metric in (right or {}).items()]
    line = cloudwatch.HorizontalAnnotation(value=objective or 0, label="objective", color=cloudwatch.Color.RED)
    axis = cloudwatch.YAxisProps(label=unit, show_units=False)
    return cloudwatch.GraphWidget(
        title=title,
        left=lines,
        right=more,
        left_y_axis=axis,
        left_annotations=[line] if objective else [],
        width=8,
        height=7,
        period=MINUTE,
    )


def _labeled(label: str, metric: cloudwatch.IMetric) -> cloudwatch.IMetric:
    if isinstance(metric, cloudwatch.MathExpression):
        return metric.with_(label=label)
    return metric.with_(label=label, period=MINUTE) if isinstance(metric, cloudwatch.Metric) else metric


def _served(objectives: Objectives) -> cloudwatch.GraphWidget:
    answered = objectives.slos[0]
    _, total, metrics = counts(answered)
    asked = expression(total, MINUTE, {name: each for name, each in metrics.items() if "_all" in name})
    golden = emitted("ProbeFailures", "Sum", "probe_service")
    good = {"answered": _percent(answered), "in time": _percent(objectives.slos[1])}
    return _graph("Are callers served?", good, right={"requests": asked, "golden calls failed": golden}, unit="%")


def _model() -> cloudwatch.GraphWidget:
    """Returns a graph of decisions by version: a faulty model separates the lines of two versions during a release."""
    accepted = by_version("Accepts", "Average", AUTHENTICATION, "part accepted, version")
    score = by_version("SpeakerLlr", "Average", AUTHENTICATION, "LLR (right)")
    # The whole range of scores, so that noise does not look like drift.
    return _versions("Is it the model? By version", accepted, score, cloudwatch.YAxisProps(min=-10, max=10))


def _code() -> cloudwatch.GraphWidget:
    failed = by_version("Failures", "Average", AUTHENTICATION, "part failed, version")
    slow = by_version("RequestLatency", "p95", AUTHENTICATION, "p95 in ms (right)")
    return _versions("Is it the code? By version", failed, slow, cloudwatch.YAxisProps(min=0))


def _versions(
    title: str, part: cloudwatch.IMetric, figure: cloudwatch.IMetric, axis: cloudwatch.YAxisProps
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=[part],
        right=[figure],
        left_y_axis=cloudwatch.YAxisProps(min=0, max=1),
        right_y_axis=axis,
        width=8,
        height=7,
        period=MINUTE,
    )


def _mix() -> cloudwatch.GraphWidget:
    mix = {name: emitted(name, "Average", AUTHENTICATION) for name in COLORS}
    shares = {
        name: expression(f"100 * {name.lower()}", MINUTE, {name.lower(): metric}).with_(color=COLORS[name])
        for name, metric in mix.items()
    }
    return _graph("Decisions", shares, unit="%")


def _failed() -> cloudwatch.GraphWidget:
    failed = {
        service: expression(f"100 * f{i}", MINUTE, {f"f{i}": emitted("Failures", "Average", service)})
        for i, service in enumerate((AUTHENTICATION, "enroll_speaker", "manage_sessions", "ingest_audio"))
    }
    return _graph("Failed answers by function", failed, unit="%")


def _good(slo: Slo) -> cloudwatch.GraphWidget:
    return _graph(f"{slo.name}: {slo.means}", {"good": _percent(slo)}, unit="%", objective=slo.objective)


def _percent(slo: Slo) -> cloudwatch.MathExpression:
    bad, total, metrics = counts(slo)
    return expression(f"100 - 100 * {bad} / {total}", MINUTE, metrics)


def _budgets(objectives: Objectives) -> cloudwatch.GraphWidget:
    """Returns a graph of the remaining error budgets, over their own window rather than the dashboard's."""
    remaining = {slo.name: _remaining(slo) for slo in objectives.slos}
    window = f"-P{objectives.window_days}D"
    title = f"Error budget left of {objectives.window_days} days, in percent"
    return cloudwatch.GraphWidget(
        title=title,
        left=[metric.with_(label=name) for name, metric in remaining.items()],
        width=8,
        height=7,
        period=Duration.days(1),
        start=window,
    )


def _remaining(slo: Slo) -> cloudwatch.MathExpression:
    bad, total, metrics = counts(slo)
    used = f"RUNNING_SUM({bad}) / (RUNNING_SUM({total}) * {slo.budget:.6g})"
    return expression(f"100 - 100 * {used}", Duration.days(1), metrics)


def _latencies() -> cloudwatch.GraphWidget:
    services = (AUTHENTICATION, "enroll_speaker", "manage_sessions", "ingest_audio")
    p95 = {service: emitted("RequestLatency", "p95", service) for service in services}
    return _graph("p95 of answers by function", p95, unit="ms")


def _stream() -> cloudwatch.GraphWidget:
    counted = {name: emitted(name, "Sum", "score_audio") for name in ("ChunksScored", "ChunksSetAside")}
    lag = emitted("EvidenceLag", "p95", "score_audio")
    return _graph("Streamed audio, and the lag of its evidence", counted, right={"lag p95 in ms": lag})


def _liveness() -> cloudwatch.GraphWidget:
    share = expression("100 * spoofs", MINUTE, {"spoofs": emitted("SpoofsSuspected", "Average", AUTHENTICATION)})
    mean = emitted("LivenessLlr", "Average", AUTHENTICATION)
    return _graph("Suspected spoofs", {"suspected": share}, right={"mean LLR of bona fide": mean}, unit="%")
