"""The monitoring stack: alarms on the error budgets of slo.yaml, whom they notify, and the dashboard."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.burn_rate import PAGING, SLOW, BurningBudgets, settling
from stacks.dashboard import dashboard
from stacks.metrics import emitted
from stacks.notices import CAUSES, KNOWN_CAUSE, Notice, Suppression, alarm_name, any_of, named_alarm, topic_name
from stacks.slo import Objectives

CLOUDWATCH, EVENTS = (iam.ServicePrincipal(f"{each}.amazonaws.com") for each in ("cloudwatch", "events"))
# A cause is noticed within two evaluations of its alarm; an alarm of an objective waits for it as long before it pages.
WAIT = Duration.minutes(3)


class MonitoringStack(Stack):
    """One page for a cause, and one all-clear.

    Alarms of causes (stacks/platform/cause_alarms.py) keep those of objectives quiet, and paging alarms those that make
    tickets. All page only when they begin. The all-clear comes from the alarm `affected`, once none of them is left.

    Attributes:
        topics: by what is published to them.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: str, objectives: Objectives | None = None) -> None:
        super().__init__(scope, id_, description="Bonafide: alarms, error budgets and dashboard")
        self._stage = stage
        objectives = objectives or Objectives.read()
        key = self._key()
        self.topics = topics = {notice: self._topic(notice, key) for notice in Notice}
        budgets = [BurningBudgets(self, *each, stage) for each in objectives.by_runbook().items()]
        paging: list[cloudwatch.AlarmBase] = [*self._pages(budgets), self._silent_probe()]
        causes = [named_alarm(self, stage, each) for each in CAUSES]
        affected = self._affected([*causes, *paging])
        quiet = Suppression(affected, WAIT, settling([SLOW]))
        tickets = [each.ticket(quiet) for each in budgets]
        for notice, alarms in ((Notice.PAGE, paging), (Notice.TICKET, tickets)):
            for each in alarms:
                each.add_alarm_action(actions.SnsAction(topics[notice]))
        affected.add_ok_action(actions.SnsAction(topics[Notice.PAGE]))
        self._failed_releases().add_target(targets.SnsTopic(topics[Notice.TICKET]))
        dashboard(self, stage, objectives, [*causes, *paging, *tickets])

    def _failed_releases(self) -> events.Rule:
        """Matches deployments that fail or are stopped: by an alarm, by golden calls, or by a person.

        https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-cloudwatch-events.html
        """
        detail = {"state": ["FAILURE", "STOP"], "application": [{"prefix": f"Bonafide-{self._stage}-"}]}
        kind = "CodeDeploy Deployment State-change Notification"
        pattern = events.EventPattern(source=["aws.codedeploy"], detail_type=[kind], detail=detail)
        return events.Rule(self, "FailedReleases", event_pattern=pattern)

    def _pages(self, budgets: Sequence[BurningBudgets]) -> list[cloudwatch.CompositeAlarm]:
        """Creates the paging alarms, each of which yields to known causes and to the pages before it."""
        earlier: cloudwatch.IAlarm = named_alarm(self, self._stage, KNOWN_CAUSE)
        pages: list[cloudwatch.CompositeAlarm] = []
        for each in budgets:
            pages.append(each.page(Suppression(earlier, WAIT, settling(PAGING))))
            if each is not budgets[-1]:
                earlier = self._earlier(earlier, pages[-1], len(pages))
        return pages

    def _earlier(self, before: cloudwatch.IAlarm, page: cloudwatch.IAlarm, number: int) -> cloudwatch.CompositeAlarm:
        return cloudwatch.CompositeAlarm(
            self,
            f"Earlier{number}",
            composite_alarm_name=alarm_name(self._stage, f"known-cause-or-earlier-page-{number}"),
            alarm_rule=any_of([before, page]),
            alarm_description="Keeps pages quiet that follow from others. Runbook: docs/runbooks/failed-answers.md",
        )

    def _affected(self, paging: Sequence[cloudwatch.IAlarm]) -> cloudwatch.CompositeAlarm:
        return cloudwatch.CompositeAlarm(
            self,
            "Affected",
            composite_alarm_name=alarm_name(self._stage, "callers-affected"),
            alarm_rule=any_of(paging),
            alarm_description="In ALARM from the first page to the end of all that pages: its OK is the all-clear. "
            "Runbook: docs/runbooks/failed-answers.md",
        )

    def _key(self) -> kms.Key:
        # CloudWatch cannot publish to a topic that is encrypted with the AWS managed key.
        key = kms.Key(
            self,
            "Key",
            description="Bonafide: alarm notifications",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        for each in (CLOUDWATCH, EVENTS):
            key.grant(each, "kms:Decrypt", "kms:GenerateDataKey*")
        return key

    def _topic(self, notice: Notice, key: kms.Key) -> sns.Topic:
        # The id of the first topic that was released.
        id_ = "Topic" if notice == Notice.PAGE else notice.title()
        name = topic_name(self._stage, notice)
        topic = sns.Topic(self, id_, topic_name=name, master_key=key, enforce_ssl=True)
        topic.add_to_resource_policy(self._publishing(topic))
        CfnOutput(
            self, f"{notice.title()}Topic", value=topic.topic_arn, description=f"Topic of {notice}: subscribe to it"
        )
        return topic

    def _publishing(self, topic: sns.Topic) -> iam.PolicyStatement:
        """Lets alarms of this account publish: a policy of one's own replaces the default one, which would allow it."""
        return iam.PolicyStatement(
            actions=["sns:Publish"],
            principals=[CLOUDWATCH],
            resources=[topic.topic_arn],
            conditions={
                "StringEquals": {"aws:SourceAccount": self.account},
                "ArnLike": {"aws:SourceArn": f"arn:{self.partition}:cloudwatch:{self.region}:{self.account}:alarm:*"},
            },
        )

    def _silent_probe(self) -> cloudwatch.Alarm:
        metric = emitted("ProbeFailures", "SampleCount", self._stage, objective="golden-calls-right")
        return cloudwatch.Alarm(
            self,
            "SilentProbe",
            alarm_name=alarm_name(self._stage, "silent-probe"),
            alarm_description="The synthetic caller makes no calls, so an outage without traffic would go unnoticed. "
            "Runbook: docs/runbooks/silent-probe.md",
            metric=metric.with_(period=Duration.minutes(5)),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=3,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
