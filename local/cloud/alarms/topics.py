"""Topics of templates, and whether CloudWatch can publish to them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.aws.template import StackTemplate

CLOUDWATCH = "cloudwatch.amazonaws.com"
# Rights on the key of an encrypted topic.
ENCRYPTING = {"kms:Decrypt", "kms:GenerateDataKey*"}


@dataclass(frozen=True, slots=True)
class Topic:
    """An SNS topic.

    Attributes:
        id: logical id.
        name: physical name.
        takes: whether alarms reach it.
    """

    id: str
    name: str
    takes: bool


def topics(template: StackTemplate) -> Iterator[Topic]:
    """Yields the topics of a template."""
    keys = dict(template.resources("AWS::KMS::Key"))
    for id_, properties in template.resources("AWS::SNS::Topic"):
        key = keys.get(properties.get("KmsMasterKeyId", ""))
        takes = _may_publish(template, id_) and (key is None or _may_encrypt(key))
        yield Topic(id_, properties.get("TopicName", id_), takes)


def _may_publish(template: StackTemplate, topic: str) -> bool:
    """Without a policy of one's own, the default one lets the account's alarms publish."""
    policies = [each for _, each in template.resources("AWS::SNS::TopicPolicy") if topic in each["Topics"]]
    statements = [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]
    return not policies or any("sns:Publish" in _granted(each) for each in statements)


def _may_encrypt(key: Mapping[str, Any]) -> bool:
    granted = {action for each in key["KeyPolicy"]["Statement"] for action in _granted(each)}
    return granted >= ENCRYPTING


def _granted(statement: Mapping[str, Any]) -> list[str]:
    """Returns the actions that a statement allows CloudWatch."""
    principal = statement["Principal"]
    services = _as_list(principal.get("Service", [])) if isinstance(principal, dict) else []
    return _as_list(statement["Action"]) if statement["Effect"] == "Allow" and CLOUDWATCH in services else []


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
