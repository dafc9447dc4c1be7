"""Sessions: start, claim, evaluation and closing."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.metrics import emitted
from stacks.notices import Notice, action, alarm_name
from stacks.platform.function import SMALL
from stacks.platform.release import Wave
from stacks.platform.release_alarms import ANSWERING, DECIDING, ERRORS
from stacks.platform.service_platform import ServicePlatform
from stacks.platform.stores import ATTEMPTS, IDEMPOTENCY, SHADOWED

SESSIONS = "/v1/domains/{domain}/sessions"
SESSION = f"{SESSIONS}/{{session}}"
# Of five minutes each: a store that fails for a moment is tried again every minute.
OVERDUE_PERIODS = 3


class SessionsCapability(Construct):
    """Judges the evidence of sessions, on request and when they are overdue."""

    def __init__(self, scope: Construct, platform: ServicePlatform) -> None:
        super().__init__(scope, "Sessions")
        self._manage(platform)
        self._close(platform)

    def _manage(self, platform: ServicePlatform) -> None:
        # It needs the bundle's calibration, not the models.
        manage = platform.released("manage_sessions", Wave.READERS, (*ANSWERING, *DECIDING), models=True, size=SMALL)
        platform.stores.allow_judging(manage)
        platform.stores.allow_caller_hashes(manage)
        platform.stores.domains.allow_in(manage, ATTEMPTS, "PutItem")
        platform.stores.domains.allow(manage, "GetItem")
        platform.stores.allow_templates(manage, "BatchGetItem", "GetItem", "PutItem")
        platform.stores.idempotency.allow(manage, *IDEMPOTENCY)
        platform.api.route("POST", SESSIONS, manage)
        platform.api.count_domains(manage)
        platform.api.route("GET", SESSION, manage)
        platform.api.route("PUT", f"{SESSION}/speaker", manage)
        platform.api.route("GET", f"{SESSION}/evaluation", manage)

    def _close(self, platform: ServicePlatform) -> None:
        close = platform.released("close_sessions", Wave.READERS, (ERRORS, *DECIDING), models=True, size=SMALL)
        platform.stores.allow_judging(close)
        platform.stores.allow_templates(close, "BatchGetItem", "GetItem", "Query", "DeleteItem")
        platform.stores.sessions.allow(close, "Query", index="due")
        platform.stores.domains.allow(close, "GetItem")
        platform.stores.audio.allow(close, DeleteObject=SHADOWED)
        platform.stores.allow_erasing(close)
        platform.every_minute("EveryMinute", close.alias)
        self._alarm(platform.stage.name)

    def _alarm(self, stage: str) -> None:
        """Creates the alarm on erasures that are late, of all domains."""
        metric = emitted("ErasuresOverdue", "Maximum", stage, service="close_sessions")
        alarm = cloudwatch.Alarm(
            self,
            "ErasuresOverdue",
            alarm_name=alarm_name(stage, "erasures-overdue"),
            alarm_description="Erasures are not complete by the time that their reports name. "
            "Runbook: docs/runbooks/overdue-erasures.md",
            metric=metric.with_(period=Duration.minutes(5)),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=OVERDUE_PERIODS,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(action(self, stage, Notice.TICKET))
