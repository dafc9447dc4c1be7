"""Alarms on causes, which name what is broken: a table, bucket or stream, or a function that fails from outside.

A function that a timeout, a crash or a throttle ends can count nothing itself; Lambda does. One cause often has others
as its effect, so a failing dependency keeps failing functions quiet, and both keep the alarms of objectives quiet
(stacks/monitoring.py). What is throttled now and then harms nobody yet and makes a ticket.
"""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.metrics import emitted, expression, of_function, requests
from stacks.notices import CAUSES, KNOWN_CAUSE, Notice, Suppression, action, alarm_name, any_of
from stacks.platform.function import ServiceFunction
from stacks.platform.stores import BucketAccess, Stores, StreamAccess, TableAccess
from stacks.slo import MINIMUM_BAD

PERIOD = Duration.minutes(5)
# Where `decisions-answered` begins to page (6 times its budget of 0.1 %), so that the cause is known by then.
DEPENDENCY_PERCENT = 0.6
FUNCTION_PERCENT = 5
# Admission control throttles from a few seconds on: a consumer that is this far behind does not catch up.
BEHIND_MS = 30_000
# On-demand tables throttle for a moment when the load doubles.
THROTTLED = 10

# A failing function may follow from a failing dependency within two evaluations, and outlasts it by its period.
WAIT = Duration.minutes(2)
EXTENSION = Duration.minutes(6)


class CauseAlarms(Construct):
    """The alarms on causes of one stage.

    Faults have no points when all is well, and for missing points CloudWatch reads older ones, from before the fault
    ended: without FILL an alarm would come and go, and page each time.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """

    def __init__(
        self, scope: Construct, id_: str, *, stage: str, stores: Stores, functions: Sequence[ServiceFunction]
    ) -> None:
        """Creates the alarms.

        Args:
            scope: the service stack.
            id_: construct id.
            stage: name of the stage.
            stores: tables, buckets and the stream, of which those that callers depend on get alarms.
            functions: those that clients, the stream or a schedule invoke.
        """
        super().__init__(scope, id_)
        self._stage = stage
        known = {_dependency(each): each for each in stores.of_callers()}
        dependency = self._composite(CAUSES[0], [self._failing(each) for each in sorted(known)])
        consumers = [each for each in functions if each.service == "score_audio"]
        broken = [self._broken(each) for each in sorted(functions, key=lambda each: each.service)]
        behind = [self._behind(each) for each in consumers]
        function = self._composite(CAUSES[1], [*broken, *behind], Suppression(dependency, WAIT, EXTENSION))
        for each in (dependency, function):
            each.add_alarm_action(action(self, stage, Notice.PAGE))
        self._composite(KNOWN_CAUSE, [dependency, function])
        for name, access in sorted(known.items()):
            self._throttled(name, access)

    def _failing(self, dependency: str) -> cloudwatch.Alarm:
        """Creates the alarm on a table, bucket or stream that fails or is slow, as the functions see it."""
        faults = emitted("DependencyFaults", "Sum", self._stage, dependency=dependency)
        share = _percent("FILL(faults, 0)", "FILL(requests, 0)")
        metric = expression(share, PERIOD, {"faults": faults, "requests": requests(self._stage)})
        meaning = f"calls to the {dependency} fail or are slow, more than {DEPENDENCY_PERCENT:g} for 100 requests"
        return self._alarm(f"{dependency}-fails", meaning, "failing-dependency", metric, DEPENDENCY_PERCENT)

    def _broken(self, function: ServiceFunction) -> cloudwatch.Alarm:
        """Creates the alarm on invocations of a function that end without an answer, or do not begin."""
        names = {"errors": "Errors", "throttles": "Throttles", "invocations": "Invocations"}
        metrics = {id_: of_function(function.latest, name, "Sum") for id_, name in names.items()}
        lost = "(FILL(errors, 0) + FILL(throttles, 0))"
        meaning = (
            f"more than {FUNCTION_PERCENT} % of invocations of {function.service} time out, crash or are throttled"
        )
        # If all invocations are throttled, none is counted.
        metric = expression(_percent(lost, "(FILL(invocations, 0) + FILL(throttles, 0))"), PERIOD, metrics)
        return self._alarm(f"{function.service}-fails", meaning, "function-errors", metric, FUNCTION_PERCENT)

    def _behind(self, function: ServiceFunction) -> cloudwatch.Alarm:
        metric = of_function(function.latest, "IteratorAge", "Maximum").with_(period=Duration.minutes(1))
        meaning = f"{function.service} reads the stream more than {BEHIND_MS // 1000} s late"
        return self._alarm(f"{function.service}-behind", meaning, "late-evidence", metric, BEHIND_MS, periods=3)

    def _throttled(self, name: str, access: TableAccess | BucketAccess | StreamAccess) -> None:
        metrics = _throttles(access)
        if not metrics:
            return
        metric = expression(f"SUM([{', '.join(metrics)}])", PERIOD, metrics)
        meaning = f"the {name} throttles requests, more than {THROTTLED} in each of three times five minutes"
        made = self._alarm(f"{name}-throttles", meaning, "throttling", metric, THROTTLED, periods=3)
        made.add_alarm_action(action(self, self._stage, Notice.TICKET))

    def _alarm(
        self, name: str, meaning: str, runbook: str, metric: cloudwatch.IMetric, threshold: float, *, periods: int = 1
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            name.title().replace("-", "").replace("_", ""),
            alarm_name=alarm_name(self._stage, name),
            alarm_description=f"{meaning}. Runbook: docs/runbooks/{runbook}.md",
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )

    def _composite(
        self, name: str, children: Sequence[cloudwatch.IAlarm], suppression: Suppression | None = None
    ) -> cloudwatch.CompositeAlarm:
        runbook = "function-errors" if name == CAUSES[1] else "failing-dependency"
        return cloudwatch.CompositeAlarm(
            self,
            name.title().replace("-", ""),
            composite_alarm_name=alarm_name(self._stage, name),
            alarm_rule=any_of(children),
            alarm_description=f"{MEANINGS[name]}. Runbook: docs/runbooks/{runbook}.md",
            **(suppression.properties() if suppression else {}),
        )


MEANINGS: Mapping[str, str] = {
    CAUSES[0]: "a table, a bucket or the stream fails or is slow: the alarm named in the reason says which",
    CAUSES[1]: "a function fails without an answer or is behind: the alarm named in the reason says which",
    KNOWN_CAUSE: "a cause is known, which keeps the alarms of objectives quiet",
}


def _percent(bad: str, total: str) -> str:
    """Returns metric math for `bad` of 100, 0 if too few are bad; a total of 0 counts as 1, which can be divided by."""
    return f"100 * IF({bad} >= {MINIMUM_BAD}, {bad}, 0) / IF({total} > 0, {total}, 1)"


def _dependency(access: TableAccess | BucketAccess | StreamAccess) -> str:
    """Returns the name under which functions count the faults of a resource: that of its variable."""
    return access.variable.removeprefix("BONAFIDE_").lower()


def _throttles(access: TableAccess | BucketAccess | StreamAccess) -> dict[str, cloudwatch.IMetric]:
    if isinstance(access, TableAccess):
        place = {"TableName": access.table.table_name}
        names = ("ReadThrottleEvents", "WriteThrottleEvents")
    elif isinstance(access, StreamAccess):
        place = {"StreamName": access.stream.stream_name}
        names = ("ReadProvisionedThroughputExceeded", "WriteProvisionedThroughputExceeded")
    else:
        return {}
    namespace = "AWS/DynamoDB" if isinstance(access, TableAccess) else "AWS/Kinesis"
    return {
        name[0].lower() + name[1:]: cloudwatch.Metric(
            namespace=namespace, metric_name=name, statistic="Sum", dimensions_map=place
        )
        for name in names
    }
