"""Composite alarms against CloudWatch's documentation (Create_Composite_Alarm_Suppression), and whom they reach."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from local.aws.template import StackTemplate
from local.cloud.alarms.alarm import AlarmState
from local.cloud.alarms.composite import ActionGate, Suppressor, composite
from local.cloud.alarms.monitor import AlarmMonitor, Notification
from local.cloud.metrics.store import Metric, MetricStore

STATES = {"o": AlarmState.OK, "A": AlarmState.ALARM}
# As in the documentation: two and three units of time.
SUPPRESSOR = Suppressor("cause", 2, 3)
METRIC = Metric.of("Bonafide", "Failures", {"stage": "dev"})
PUBLISHING = {
    "Effect": "Allow",
    "Action": "sns:Publish",
    "Principal": {"Service": "cloudwatch.amazonaws.com"},
}
DENYING = {"Effect": "Deny", "Action": "sns:Publish", "Principal": "*"}


def acts(suppressor: Suppressor | None, alarm: str, cause: str) -> list[int]:
    """Returns the units of time at which an alarm acts, whose states and whose suppressor's are given by unit."""
    gate = ActionGate(suppressor)
    changes = [i > 0 and alarm[i] != alarm[i - 1] for i in range(len(alarm))]
    return [i for i in range(len(alarm)) if gate.acts(i, {"cause": STATES[cause[i]]}, changed=changes[i])]


@pytest.mark.parametrize(
    ("alarm", "cause", "expected"),
    [
        ("ooAAAAA", "ooooooo", [4]),
        ("ooAAAAA", "oooAAAA", []),
        ("ooAoooo", "ooooooo", [5]),
        ("ooAAAAA", "AAAAAAA", []),
        ("ooAAAAAAAAA", "oooAAAooooo", [9]),
        ("ooAAAAAoooo", "oooAAAooooo", [9]),
    ],
    ids=[f"example {number}" for number in range(1, 7)],
)
def test_actions_are_suppressed_as_in_the_examples_of_the_documentation(
    alarm: str, cause: str, expected: list[int]
) -> None:
    assert acts(SUPPRESSOR, alarm, cause) == expected


def test_without_a_suppressor_an_alarm_acts_when_it_changes() -> None:
    assert acts(None, "ooAAo", "ooooo") == [2, 4]


def test_a_rule_that_is_too_long_is_refused() -> None:
    rule = " OR ".join(f'ALARM("{i}")' for i in range(101))
    with pytest.raises(NotImplementedError, match="too long"):
        composite("Any", {"AlarmRule": rule}, {})


def template(statement: dict[str, Any], **key: Any) -> StackTemplate:
    """A failing metric alarm, a composite one over it that notifies a topic, and one over that, declared first."""
    single = {
        "AlarmName": "failing",
        "Namespace": METRIC.namespace,
        "MetricName": METRIC.name,
        "Dimensions": [{"Name": "stage", "Value": "dev"}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    rule = {"Fn::Join": ["", ['ALARM("', {"Fn::GetAtt": ["Failing", "Arn"]}, '")']]}
    notified = {"AlarmActions": [{"Ref": "Topic"}], "OKActions": ["arn:aws:sns:us-east-1:1:pages"]}
    resources: dict[str, dict[str, Any]] = {
        "Outer": {"Type": "CompositeAlarm", "AlarmName": "outer", "AlarmRule": 'ALARM("arn:x:alarm:inner")'},
        "Inner": {"Type": "CompositeAlarm", "AlarmName": "inner", "AlarmRule": rule, **notified},
        "Failing": {"Type": "Alarm", **single},
    }
    content: dict[str, Any] = {
        id_: {"Type": f"AWS::CloudWatch::{each.pop('Type')}", "Properties": each} for id_, each in resources.items()
    }
    content["Topic"] = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "pages", **key}}
    policy = {"Topics": [{"Ref": "Topic"}], "PolicyDocument": {"Statement": [statement]}}
    content["Policy"] = {"Type": "AWS::SNS::TopicPolicy", "Properties": policy}
    content["Key"] = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": []}}}
    return StackTemplate(Path(), "Stack", {"Resources": content}, {})


def played(defined: StackTemplate, minutes: Sequence[int]) -> AlarmMonitor:
    """Evaluates minutes with as many failures."""
    store = MetricStore()
    monitor = AlarmMonitor(store)
    monitor.define(defined)
    for minute, failures in enumerate(minutes):
        store.put(METRIC, minute * 60 + 30, [1.0] * failures or [0.0])
        monitor.evaluate((minute + 1) * 60)
    return monitor


def test_a_topic_is_told_of_changes_only_and_of_the_alarms_that_are_the_reason() -> None:
    monitor = played(template(PUBLISHING), [0, 1, 1, 0])
    assert monitor.sent == [
        Notification(60, "pages", "inner", AlarmState.OK),
        Notification(120, "pages", "inner", AlarmState.ALARM, ("failing",)),
        Notification(240, "pages", "inner", AlarmState.OK),
    ]
    assert monitor.lost == []


def test_an_alarm_over_another_composite_alarm_is_evaluated_after_it_in_the_same_minute() -> None:
    monitor = played(template(PUBLISHING), [1])
    assert monitor.states["Outer"] == AlarmState.ALARM


@pytest.mark.parametrize("defined", [template(DENYING), template(PUBLISHING, KmsMasterKeyId={"Ref": "Key"})])
def test_a_topic_whose_policy_or_key_does_not_let_cloudwatch_publish_is_not_reached(defined: StackTemplate) -> None:
    monitor = played(defined, [1])
    assert (monitor.sent, len(monitor.lost)) == ([], 1)
