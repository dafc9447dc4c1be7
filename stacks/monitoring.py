"""What tells people: alarms and error budgets from slo.yaml, and the dashboard."""

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.burn import BURNS, burn_alarm
from stacks.constructs.dashboard import dashboard
from stacks.metrics import emitted
from stacks.slo import Objectives


class MonitoringStack(Stack):
    """It knows functions by the names of their metrics only, so it can be deployed before and after them.

    Attributes:
        topic: where alarms go; whoever is on call subscribes to it.
    """

    def __init__(self, scope: Construct, id_: str, *, objectives: Objectives | None = None) -> None:
        super().__init__(scope, id_, description="Bonafide: alarms, error budgets and dashboard")
        objectives = objectives or Objectives.read()
        self.topic = self._topic()
        alarms: list[cloudwatch.AlarmBase] = [burn_alarm(self, slo, burn) for slo in objectives.slos for burn in BURNS]
        alarms.append(self._silence())
        for alarm in alarms:
            alarm.add_alarm_action(actions.SnsAction(self.topic))
            alarm.add_ok_action(actions.SnsAction(self.topic))
        dashboard(self, objectives, alarms)
        CfnOutput(self, "Alarms", value=self.topic.topic_arn, description="Subscribe whoever is on call")

    def _topic(self) -> sns.Topic:
        # CloudWatch cannot use the key that AWS manages for topics.
        key = kms.Key(
            self,
            "Key",
            description="Bonafide: alarms on their way",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        key.grant(iam.ServicePrincipal("cloudwatch.amazonaws.com"), "kms:Decrypt", "kms:GenerateDataKey*")
        return sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)

    def _silence(self) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            "SilentProbe",
            alarm_description="The synthetic caller does not call, so a quiet night would look like a good one. "
            "Runbook: docs/runbooks/silent-probe.md",
            metric=emitted("ProbeCalls", "Sum", "probe_service").with_(period=Duration.minutes(5)),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=3,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
