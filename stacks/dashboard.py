"""The dashboard: its first row shows whether callers are served, and whether a fault is in the model or in the code."""

from collections.abc import Mapping, Sequence
from itertools import batched

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.catalog import NAMESPACE, check
from stacks.metrics import by_version, counted, emitted, expression, requests
from stacks.slo import Objectives, Slo

MINUTE = Duration.minutes(1)
AUTHENTICATION = "authenticate_caller"
COLORS = {
    "Accepts": cloudwatch.Color.GREEN,
    "StepUps": cloudwatch.Color.ORANGE,
    "Rejects": cloudwatch.Color.RED,
    "Inconclusives": cloudwatch.Color.GREY,
}


# The lower end of an objective's axis lies this many budgets below 100 %: one of 99.9 is drawn ten times as fine as one
# of 99, and the line of each objective stands at the same height.
BUDGETS_SHOWN = 5


def dashboard(
    scope: Construct, stage: str, objectives: Objectives, alarms: Sequence[cloudwatch.IAlarm]
) -> cloudwatch.Dashboard:
    """Creates the dashboard of a stage.

    Args:
        scope: stack that it belongs to.
        stage: name of the stage.
        objectives: of slo.yaml.
        alarms: those that notify somebody.
    """
    made = cloudwatch.Dashboard(scope, "Dashboard", default_interval=Duration.hours(3))
    made.add_widgets(_served(objectives, stage), _model(stage), _code(stage))
    made.add_widgets(cloudwatch.AlarmStatusWidget(alarms=list(alarms), title="Alarms", width=24, height=4))
    for row in batched(objectives.slos, 3):
        made.add_widgets(*[_good(slo, stage) for slo in row])
    made.add_widgets(_budgets(objectives, stage), _mix(stage), _failed(stage))
    made.add_widgets(_latencies(objectives, stage), _stream(stage), _liveness(stage))
    return made


def _graph(
    title: str,
    left: Mapping[str, cloudwatch.IMetric],
    *,
    right: Mapping[str, cloudwatch.IMetric] | None = None,
    unit: str = "",
    objective: Slo | None = None,
) -> cloudwatch.GraphWidget:
    lines = [_labeled(label, metric) for label, metric in left.items()]
    more = [_labeled(label, metric) for label, metric in (right or {}).items()]
    lower = 100 - 100 * BUDGETS_SHOWN * objective.budget if objective else None
    axis = cloudwatch.YAxisProps(label=unit, show_units=False, min=lower, max=100 if objective else None)
    return cloudwatch.GraphWidget(
        title=title,
        left=lines,
        right=more,
        left_y_axis=axis,
        left_annotations=[_objective(objective)] if objective else [],
        width=8,
        height=7,
        period=MINUTE,
    )


def _labeled(label: str, metric: cloudwatch.IMetric) -> cloudwatch.IMetric:
    if isinstance(metric, cloudwatch.MathExpression):
        return metric.with_(label=label)
    return metric.with_(label=label, period=MINUTE) if isinstance(metric, cloudwatch.Metric) else metric


def _objective(slo: Slo) -> cloudwatch.HorizontalAnnotation:
    return cloudwatch.HorizontalAnnotation(
        value=slo.objective, label=f"objective {slo.objective:g} %", color=cloudwatch.Color.RED
    )


def _served(objectives: Objectives, stage: str) -> cloudwatch.GraphWidget:
    golden = emitted("ProbeFailures", "Sum", stage, objective="golden-calls-right")
    good = {"answered": _percent(objectives.slos[0], stage), "in time": _percent(objectives.slos[1], stage)}
    return _graph(
        "Are callers served?", good, right={"requests": requests(stage), "golden calls failed": golden}, unit="%"
    )


def _model(stage: str) -> cloudwatch.GraphWidget:
    """Returns a graph of decisions by version: a faulty model separates the lines of two versions during a release."""
    accepted = by_version("Accepts", "Average", stage, AUTHENTICATION, "part accepted, version")
    score = by_version("SpeakerLlr", "Average", stage, AUTHENTICATION, "LLR (right)")
    # The whole range of scores, so that noise does not look like drift.
    return _versions("Is it the model? By version", accepted, score, cloudwatch.YAxisProps(min=-10, max=10))


def _code(stage: str) -> cloudwatch.GraphWidget:
    failed = by_version("Failures", "Average", stage, AUTHENTICATION, "part failed, version")
    slow = by_version("DecisionLatency", "p95", stage, AUTHENTICATION, "p95 of decisions in ms (right)")
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


def _mix(stage: str) -> cloudwatch.GraphWidget:
    mix = {name: emitted(name, "Average", stage, service=AUTHENTICATION) for name in COLORS}
    shares = {
        name: expression(f"100 * {name.lower()}", MINUTE, {name.lower(): metric}).with_(color=COLORS[name])
        for name, metric in mix.items()
    }
    return _graph("Decisions", shares, unit="%")


def _failed(stage: str) -> cloudwatch.GraphWidget:
    wanted = f'{{{NAMESPACE},stage,service,version}} MetricName="{check("Failures")}" stage="{stage}"'
    failed = cloudwatch.MathExpression(
        expression=f"SEARCH('{wanted}', 'Average', 60)",
        label="${PROP('Dim.service')} ${PROP('Dim.version')}",
        using_metrics={},
        period=MINUTE,
    )
    return cloudwatch.GraphWidget(
        title="Part of failed answers by function and version", left=[failed], width=8, height=7, period=MINUTE
    )


def _good(slo: Slo, stage: str) -> cloudwatch.GraphWidget:
    return _graph(f"{slo.name}: {slo.means}", {"good": _percent(slo, stage)}, unit="%", objective=slo)


def _percent(slo: Slo, stage: str) -> cloudwatch.MathExpression:
    share = counted(slo, slo.events.share, stage)
    return expression(f"100 - {100 / slo.events.whole:g} * {_id(slo)}", MINUTE, {_id(slo): share})


def _id(slo: Slo) -> str:
    return slo.name.replace("-", "_")


def _budgets(objectives: Objectives, stage: str) -> cloudwatch.GraphWidget:
    """Returns a graph of the remaining error budgets, over their own window rather than the dashboard's."""
    remaining = {f"{slo.name} ({slo.objective:g} %)": _remaining(slo, stage) for slo in objectives.slos}
    window = f"-P{objectives.window_days}D"
    title = f"Error budget left of {objectives.window_days} days, in percent"
    return cloudwatch.GraphWidget(
        title=title,
        left=[metric.with_(label=name) for name, metric in remaining.items()],
        left_y_axis=cloudwatch.YAxisProps(max=100, show_units=False),
        left_annotations=[
            cloudwatch.HorizontalAnnotation(value=25, label="below: no release without a reason", color="#d62728")
        ],
        width=8,
        height=7,
        period=Duration.days(1),
        start=window,
    )


def _remaining(slo: Slo, stage: str) -> cloudwatch.MathExpression:
    bad, every = f"{_id(slo)}_bad", f"{_id(slo)}_all"
    metrics = {bad: counted(slo, slo.events.bad, stage), every: counted(slo, slo.events.total, stage)}
    used = f"RUNNING_SUM({bad}) / (RUNNING_SUM({every}) * {slo.budget:.6g})"
    return expression(f"100 - 100 * {used}", Duration.days(1), metrics)


def _latencies(objectives: Objectives, stage: str) -> cloudwatch.GraphWidget:
    late = [slo for slo in objectives.slos if slo.events.metric == "RequestLatency"]
    return _graph("p95 of answers by objective", {slo.name: counted(slo, "p95", stage) for slo in late}, unit="ms")


def _stream(stage: str) -> cloudwatch.GraphWidget:
    counts = [
        by_version(name, "Sum", stage, "score_audio", f"{name}, version") for name in ("ChunksScored", "ChunksSetAside")
    ]
    lag = emitted("EvidenceLag", "p95", stage, objective="evidence-fresh")
    return cloudwatch.GraphWidget(
        title="Streamed audio, and the lag of its evidence",
        left=counts,
        right=[lag.with_(label="lag p95 in ms", period=MINUTE)],
        width=8,
        height=7,
        period=MINUTE,
    )


def _liveness(stage: str) -> cloudwatch.GraphWidget:
    spoofs = emitted("SpoofsSuspected", "Average", stage, service=AUTHENTICATION)
    share = expression("100 * spoofs", MINUTE, {"spoofs": spoofs})
    mean = emitted("LivenessLlr", "Average", stage, service=AUTHENTICATION)
    return _graph("Suspected spoofs", {"suspected": share}, right={"mean LLR of bona fide": mean}, unit="%")
