"""The monitoring stack: alarms on the error budgets of slo.yaml, and the dashboard."""

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.burn_rate import BURN_RATES, burn_rate_alarm
from stacks.dashboard import dashboard
from stacks.metrics import emitted
from stacks.slo import Objectives

CLOUDWATCH = iam.ServicePrincipal("cloudwatch.amazonaws.com")


class MonitoringStack(Stack):
    """Alarms and dashboard; they refer to metrics by name only, so the stack depends on no other.

    Attributes:
        topic: receives alarms; the on-call engineer subscribes to it.
    """

    def __init__(self, scope: Construct, id_: str, *, objectives: Objectives | None = None) -> None:
        super().__init__(scope, id_, description="Bonafide: alarms, error budgets and dashboard")
        objectives = objectives or Objectives.read()
        self.topic = self._topic()
        alarms: list[cloudwatch.AlarmBase] = [
            burn_rate_alarm(self, slo, rate) for slo in objectives.slos for rate in BURN_RATES
        ]
        alarms.append(self._silent_probe())
        for alarm in alarms:
            alarm.add_alarm_action(actions.SnsAction(self.topic))
            alarm.add_ok_action(actions.SnsAction(self.topic))
        dashboard(self, objectives, alarms)
        CfnOutput(
            self,
            "Alarms",
            value=self.topic.topic_arn,
            description="Topic of all alarms; the on-call engineer subscribes to it",
        )

    def _topic(self) -> sns.Topic:
        # CloudWatch cannot publish to a topic that is encrypted with the AWS managed key.
        key = kms.Key(
            self,
            "Key",
            description="Bonafide: alarm notifications",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        key.grant(CLOUDWATCH, "kms:Decrypt", "kms:GenerateDataKey*")
        topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        topic.add_to_resource_policy(self._publishing(topic))
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
        return cloudwatch.Alarm(
            self,
            "SilentProbe",
            alarm_description="The synthetic caller makes no calls, so an outage without traffic would go unnoticed. "
            "Runbook: docs/runbooks/silent-probe.md",
            metric=emitted("ProbeCalls", "Sum", "probe_service").with_(period=Duration.minutes(5)),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=3,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
