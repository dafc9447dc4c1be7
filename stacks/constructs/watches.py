"""What a release is watched for: figures of the new version alone, or of the new against the old over the same minutes.

Each figure is metric math that is 0 as long as too little happened to say anything, so that a quiet night neither
fakes a fault nor hides the release behind missing data. The old version's figures are those of all versions minus
those of the new one, whose number the template knows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from stacks.metrics import emitted, expression
from stacks.slo import Objectives

# CloudWatch looks at the last five minutes each minute: as long as a version gets a tenth of the traffic.
PERIOD = Duration.minutes(5)

OUTCOMES = ("Accepts", "StepUps", "Rejects", "Inconclusives")

# Fewer decisions than these of either version are no ground for comparing them.
FEWEST_DECISIONS = 20

# Smaller differences are of no consequence, however sure they are.
LEAST_SHIFT_OF_MIX = 0.1
LEAST_DRIFT_IN_NATS = 0.5


@dataclass(frozen=True, slots=True)
class Subject:
    """What is watched.

    Attributes:
        service: the function's folder, by which it names its metrics.
        function: its name in AWS.
        version: number of the new version.
        objectives: which say when it is late.
    """

    service: str
    function: str
    version: str
    objectives: Objectives

    def new(self, name: str, statistic: str) -> cloudwatch.Metric:
        """A metric of the new version."""
        return emitted(name, statistic, self.service, self.version)

    def all(self, name: str, statistic: str) -> cloudwatch.Metric:
        """A metric of all versions together."""
        return emitted(name, statistic, self.service)

    def platform(self, name: str) -> cloudwatch.Metric:
        """What Lambda itself counts of the new version's invocations through the alias."""
        alias = {"Resource": f"{self.function}:live", "ExecutedVersion": self.version}
        dimensions = {"FunctionName": self.function, **alias}
        return cloudwatch.Metric(namespace="AWS/Lambda", metric_name=name, statistic="Sum", dimensions_map=dimensions)


@dataclass(frozen=True, slots=True)
class Watch:
    """One kind of fault.

    Attributes:
        kind: of the alarm, which is the name of its runbook.
        means: what is wrong when it is in ALARM.
        threshold: above which it is.
        figure: what is compared with it.
    """

    kind: str
    means: str
    threshold: float
    figure: Callable[[Subject], cloudwatch.MathExpression]


def _percent(bad: str, total: str, *, fewest_bad: int, fewest: int = 1) -> str:
    return f"IF({bad} >= {fewest_bad} AND {total} >= {fewest}, 100 * {bad} / ({total}), 0)"


def _share(text: str, **metrics: cloudwatch.IMetric) -> cloudwatch.MathExpression:
    return expression(text, PERIOD, metrics)


def _errors(subject: Subject) -> cloudwatch.MathExpression:
    metrics = {"errors": subject.platform("Errors"), "invocations": subject.platform("Invocations")}
    return _share(_percent("errors", "invocations", fewest_bad=2), **metrics)


def _failures(subject: Subject) -> cloudwatch.MathExpression:
    metrics = {"failures": subject.new("Failures", "Sum"), "requests": subject.new("Requests", "Sum")}
    return _share(_percent("failures", "requests", fewest_bad=2), **metrics)


def _late(metric: str) -> Callable[[Subject], cloudwatch.MathExpression]:
    def figure(subject: Subject) -> cloudwatch.MathExpression:
        bound = subject.objectives.bound_ms(subject.service, metric)
        metrics = {"late": subject.new(metric, f"TC({bound:g}:)"), "answers": subject.new(metric, "SampleCount")}
        return _share(_percent("late", "answers", fewest_bad=3, fewest=10), **metrics)

    return figure


def _set_aside(subject: Subject) -> cloudwatch.MathExpression:
    metrics = {"aside": subject.new("ChunksSetAside", "Sum"), "scored": subject.new("ChunksScored", "Sum")}
    return _share(_percent("aside", "aside + scored", fewest_bad=3), **metrics)


def _mix(subject: Subject) -> cloudwatch.MathExpression:
    """Pearson's chi-squared of the table of two versions and four outcomes (3 degrees of freedom).

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
    enough = f"{n} >= {FEWEST_DECISIONS} AND {a} - {n} >= {FEWEST_DECISIONS}"
    condition = f"{enough} AND {distance} >= {2 * LEAST_SHIFT_OF_MIX:g} * {both}"
    return _share(f"IF({condition}, ({squares}) / {both}, 0)", **new, **every)


def _drift(subject: Subject) -> cloudwatch.MathExpression:
    """Square of the z statistic for the difference of mean scores of the new and the old version.

    (m1 - m2)^2 / (v (1 / n1 + 1 / n2)), with mean m, count n, and v the variance of all scores: nearly chi-squared with
    one degree of freedom. A variance of the new version's own, as in Welch's test, would take good releases back: among
    its few callers there may be no impostor by chance, and then their scores hardly differ (twenty callers of whom one
    in ten is an impostor: 12 % of good releases, against 0.2 % with the variance of all).
    """
    new = {"n1": subject.new("SpeakerLlr", "SampleCount"), "s1": subject.new("SpeakerLlr", "Sum")}
    scores, squares = subject.all("SpeakerLlr", "Sum"), subject.all("SpeakerLlrSquared", "Sum")
    every = {"n2": subject.all("SpeakerLlr", "SampleCount"), "s2": scores, "q2": squares}
    difference = "(s1 / n1 - (s2 - s1) / (n2 - n1))"
    variance = "(q2 / n2 - (s2 / n2) ^ 2)"
    enough = f"n1 >= {FEWEST_DECISIONS} AND n2 - n1 >= {FEWEST_DECISIONS}"
    condition = f"{enough} AND ABS{difference} >= {LEAST_DRIFT_IN_NATS:g}"
    return _share(f"IF({condition}, {difference} ^ 2 / ({variance} * (1 / n1 + 1 / (n2 - n1))), 0)", **new, **every)


ERRORS = Watch("function-errors", "more than 5 % of invocations fail without an answer", 5, _errors)
FAILURES = Watch("failed-answers", "more than 5 % of requests are answered with 5xx", 5, _failures)
LATE = Watch(
    "late-answers", "more than 10 % of answers take longer than stacks/slo.yaml allows", 10, _late("RequestLatency")
)
MIX = Watch("decision-mix", "the mix of decisions is not that of the old version (p < 0.001)", 16.27, _mix)
DRIFT = Watch("score-drift", "scores are not those of the old version in the mean (p < 0.001)", 10.83, _drift)
ASIDE = Watch("set-aside-audio", "more than 5 % of chunks are set aside as unusable", 5, _set_aside)
LAG = Watch(
    "late-evidence", "more than 10 % of evidence is later than stacks/slo.yaml allows", 10, _late("EvidenceLag")
)

ANSWERING: Sequence[Watch] = (ERRORS, FAILURES, LATE)
DECIDING: Sequence[Watch] = (MIX, DRIFT)
SCORING: Sequence[Watch] = (ERRORS, ASIDE, LAG)

TITLES: Mapping[str, str] = {each.kind: each.means for each in (*ANSWERING, *DECIDING, *SCORING)}
