"""Alarms that roll a release back: on the new version alone, or on the new against the old over the same minutes.

Too few events to judge raise no alarm, and no traffic leaves a release with an answer: metric math is 0 then, and
percentiles have to breach in three of five minutes. The template knows the new version's number; the old version's
values are those of all versions minus those of the new one. Lambda's own metrics of a version cost nothing.

In ALARM they roll the release back and notify nobody: the deployment that fails makes one ticket, by an event rule in
stacks/monitoring.py. The alarms of several functions, or a broken table long after the release, would make many.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.metrics import emitted, expression
from stacks.slo import Objectives

# CloudWatch evaluates these minutes every minute; a canary gets a tenth of the traffic for as long.
PERIOD = Duration.minutes(5)

# Answers are late in a minute if its 90th percentile is above the bound.
MINUTE = Duration.minutes(1)
LATE_PERCENTILE = "p90"
LATE_MINUTES, OF_MINUTES = 3, 5

OUTCOMES = ("Accepts", "StepUps", "Rejects", "Inconclusives")

# Versions with fewer decisions are not compared.
MINIMUM_DECISIONS = 20

# Smaller differences do not matter, even if they are significant.
MINIMUM_MIX_CHANGE = 0.1
MINIMUM_DRIFT_NATS = 0.5


@dataclass(frozen=True, slots=True)
class ReleasedVersion:
    """The version whose release the alarms guard.

    Attributes:
        service: the function's folder, which is a dimension of its metrics.
        function: its name in AWS.
        version: its number.
        objectives: say when an answer is late.
        stage: name of the stage.
    """

    service: str
    function: str
    version: str
    objectives: Objectives
    stage: str

    def new(self, name: str, statistic: str) -> cloudwatch.Metric:
        """Returns a metric of the new version."""
        return emitted(name, statistic, self.stage, service=self.service, version=self.version)

    def all(self, name: str, statistic: str) -> cloudwatch.Metric:
        """Returns a metric of all versions together."""
        return emitted(name, statistic, self.stage, service=self.service)

    def platform(self, name: str, statistic: str = "Sum") -> cloudwatch.Metric:
        """Returns Lambda's own metric of the new version's invocations through the alias."""
        alias = {"Resource": f"{self.function}:live", "ExecutedVersion": self.version}
        return cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name=name,
            statistic=statistic,
            dimensions_map={"FunctionName": self.function, **alias},
        )


@dataclass(frozen=True, slots=True)
class ReleaseAlarm:
    """One alarm that every release of a function gets.

    Attributes:
        kind: name of its runbook.
        meaning: what is wrong while it is in ALARM.
        threshold: the metric breaches above this.
        metric: builds the metric that is compared with the threshold.
        minutes: how many minutes of `OF_MINUTES` have to breach; None if the metric covers all of them.
    """

    kind: str
    meaning: str
    threshold: float | Callable[[ReleasedVersion], float]
    metric: Callable[[ReleasedVersion], cloudwatch.IMetric]
    minutes: int | None = None

    def create(self, scope: Construct, subject: ReleasedVersion) -> cloudwatch.Alarm:
        """Creates the alarm for one version."""
        stack = Stack.of(scope).stack_name
        return cloudwatch.Alarm(
            scope,
            self.kind.title().replace("-", ""),
            # The version in the name makes a new alarm for each version: one that is in ALARM because of the version
            # before must not block the release of the version that fixes it.
            alarm_name=f"{stack}-{subject.service}-{self.kind}-{subject.version}",
            alarm_description=f"{subject.service}: {self.meaning}. Runbook: docs/runbooks/{self.kind}.md",
            metric=self.metric(subject),
            threshold=self.threshold(subject) if callable(self.threshold) else self.threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=OF_MINUTES if self.minutes else 1,
            datapoints_to_alarm=self.minutes,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def _percent(bad: str, total: str, minimum_bad: int) -> str:
    return f"IF({bad} >= {minimum_bad}, 100 * {bad} / ({total}), 0)"


def _over_period(text: str, **metrics: cloudwatch.IMetric) -> cloudwatch.MathExpression:
    return expression(text, PERIOD, metrics)


def _errors(subject: ReleasedVersion) -> cloudwatch.MathExpression:
    metrics = {"errors": subject.platform("Errors"), "invocations": subject.platform("Invocations")}
    return _over_period(_percent("errors", "invocations", 2), **metrics)


def _failures(subject: ReleasedVersion) -> cloudwatch.MathExpression:
    """Returns the percentage of invocations that a caller sees fail: without an answer, or with a 5xx of the handler.

    A handler that answers 5xx is no error for Lambda, and one that dies counts no failure: none is counted twice.
    """
    ends = {"errors": subject.platform("Errors"), "failures": subject.new("Failures", "Sum")}
    return _over_period(
        _percent("(errors + failures)", "invocations", 2), **ends, invocations=subject.platform("Invocations")
    )


def _duration(subject: ReleasedVersion) -> cloudwatch.Metric:
    return subject.platform("Duration", LATE_PERCENTILE).with_(period=MINUTE)


def _lag(subject: ReleasedVersion) -> cloudwatch.Metric:
    return subject.new("EvidenceLag", LATE_PERCENTILE).with_(period=MINUTE)


def _bound(metric: str) -> Callable[[ReleasedVersion], float]:
    return lambda subject: subject.objectives.bound_ms(subject.service, metric)


def _unusable(subject: ReleasedVersion) -> cloudwatch.MathExpression:
    metrics = {"aside": subject.new("ChunksSetAside", "Sum"), "scored": subject.new("ChunksScored", "Sum")}
    return _over_period(_percent("FILL(aside, 0)", "aside + scored", 3), **metrics)


def _mix(subject: ReleasedVersion) -> cloudwatch.MathExpression:
    """Returns Pearson's chi-squared of the table of two versions and four outcomes (3 degrees of freedom).

    With a of all decisions and n of the new ones per outcome, A and N in sum, and A - N of the old version, it is
    the sum of (n A - a N)^2 / (a N (A - N)), and half the sum of |n A - a N| / (N (A - N)) is the part of decisions
    that would have to change to make the mixes equal (their total variation distance).
    """
    new = {f"n{i}": subject.new(name, "Sum") for i, name in enumerate(OUTCOMES)}
    every = {f"a{i}": subject.all(name, "Sum") for i, name in enumerate(OUTCOMES)}
    n, a = f"({' + '.join(new)})", f"({' + '.join(every)})"
    moved = [f"(n{i} * {a} - a{i} * {n})" for i in range(len(OUTCOMES))]
    squares = " + ".join(f"{each} ^ 2 / IF(a{i} > 0, a{i}, 1)" for i, each in enumerate(moved))
    distance = " + ".join(f"ABS{each}" for each in moved)
    both = f"({n} * ({a} - {n}))"
    enough = f"{n} >= {MINIMUM_DECISIONS} AND {a} - {n} >= {MINIMUM_DECISIONS}"
    condition = f"{enough} AND {distance} >= {2 * MINIMUM_MIX_CHANGE:g} * {both}"
    return _over_period(f"IF({condition}, ({squares}) / {both}, 0)", **new, **every)


def _drift(subject: ReleasedVersion) -> cloudwatch.MathExpression:
    """Returns the squared z statistic for the difference between the mean scores of the new and the old version.

    (m1 - m2)^2 / (v (1 / n1 + 1 / n2)), with mean m, count n, and v the variance of all scores: nearly chi-squared with
    one degree of freedom. The new version's own variance, as in Welch's test, would roll good releases back: among its
    few callers there may be no impostor by chance, and then their scores hardly vary (with twenty callers of whom one
    in ten is an impostor: 12 % of good releases, against 0.2 % with the variance of all).
    """
    new = {"n1": subject.new("SpeakerLlr", "SampleCount"), "s1": subject.new("SpeakerLlr", "Sum")}
    scores, squares = subject.all("SpeakerLlr", "Sum"), subject.all("SpeakerLlrSquared", "Sum")
    every = {"n2": subject.all("SpeakerLlr", "SampleCount"), "s2": scores, "q2": squares}
    difference = "(s1 / n1 - (s2 - s1) / (n2 - n1))"
    variance = "(q2 / n2 - (s2 / n2) ^ 2)"
    enough = f"n1 >= {MINIMUM_DECISIONS} AND n2 - n1 >= {MINIMUM_DECISIONS}"
    condition = f"{enough} AND ABS{difference} >= {MINIMUM_DRIFT_NATS:g}"
    return _over_period(
        f"IF({condition}, {difference} ^ 2 / ({variance} * (1 / n1 + 1 / (n2 - n1))), 0)", **new, **every
    )


ERRORS = ReleaseAlarm("function-errors", "more than 5 % of invocations fail without an answer", 5, _errors)
FAILURES = ReleaseAlarm("failed-answers", "more than 5 % of requests fail: 5xx, timeouts and crashes", 5, _failures)
LATE = ReleaseAlarm(
    "late-answers",
    "more than 10 % of answers take longer than stacks/slo.yaml allows, in three of five minutes",
    _bound("RequestLatency"),
    _duration,
    LATE_MINUTES,
)
MIX = ReleaseAlarm("decision-mix", "the mix of decisions is not that of the old version (p < 0.001)", 16.27, _mix)
DRIFT = ReleaseAlarm("score-drift", "scores are not those of the old version in the mean (p < 0.001)", 10.83, _drift)
UNUSABLE = ReleaseAlarm("set-aside-audio", "more than 5 % of chunks are set aside as unusable", 5, _unusable)
LAG = ReleaseAlarm(
    "late-evidence",
    "more than 10 % of evidence is later than stacks/slo.yaml allows, in three of five minutes",
    _bound("EvidenceLag"),
    _lag,
    LATE_MINUTES,
)

ANSWERING: Sequence[ReleaseAlarm] = (FAILURES, LATE)
DECIDING: Sequence[ReleaseAlarm] = (MIX, DRIFT)
SCORING: Sequence[ReleaseAlarm] = (ERRORS, UNUSABLE, LAG)
