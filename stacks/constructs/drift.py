"""The watch for drift, and its alarm."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.metrics import emitted
from stacks.notices import Notice, action, alarm_name
from stacks.platform.function import WATCH
from stacks.platform.service_platform import ServicePlatform


class DriftCapability(Construct):
    """Compares the evidence of each domain with its baseline, every hour."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Drift")
        stores = platform.stores
        watch = platform.function("watch_drift", [], WATCH)
        stores.domains.allow(watch, "GetItem")
        stores.domains.allow(watch, "Query", index="domains")
        stores.decisions.allow(watch, "BatchGetItem")
        stores.decisions.allow(watch, "Query", index="by_time")
        stores.allow_templates(watch, "GetItem")
        stores.sessions.allow(watch, "GetItem", "PutItem")
        platform.every_hour("EveryHour", watch.latest)
        self._alarm(platform.stage.name)

    def _alarm(self, stage: str) -> None:
        """Creates the one alarm of all signals and domains: each more would be billed."""
        metric = emitted("SignalsDrifted", "Maximum", stage, service="watch_drift")
        alarm = cloudwatch.Alarm(
            self,
            "Drifted",
            alarm_name=alarm_name(stage, "evidence-drifts"),
            alarm_description="Evidence of a domain differs from its baseline: a line, a codec, callers or attacks "
            "changed. Runbook: docs/runbooks/drift.md",
            metric=metric.with_(period=Duration.hours(1)),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(action(self, stage, Notice.TICKET))
