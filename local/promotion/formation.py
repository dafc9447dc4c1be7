"""CloudFormation's view of the service stack that runs here, in the shapes of its API.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.aws.template import StackTemplate
from local.cloud.releases.deploy import UpdateStatus
from local.cloud.releases.target import DeployedStack, SynthesizedVersion

ENDS = {
    UpdateStatus.PROMOTED: "UPDATE_COMPLETE",
    UpdateStatus.ROLLED_BACK: "UPDATE_ROLLBACK_COMPLETE",
    UpdateStatus.ROLLBACK_FAILED: "UPDATE_ROLLBACK_FAILED",
}
FUNCTION, STACK = "AWS::Lambda::Function", "AWS::CloudFormation::Stack"


@dataclass(slots=True)
class LocalFormation:
    """The operations of CloudFormation by which a promotion finds out where things stand.

    Attributes:
        stack: what is deployed.
        status: CloudFormation's status of the stack.
        events: events, oldest first.
    """

    stack: DeployedStack
    status: str = "CREATE_COMPLETE"
    events: list[Mapping[str, Any]] = field(default_factory=list)

    def begin(self, version: SynthesizedVersion) -> None:
        """Records that an update begins, which updates functions before their aliases."""
        self.status = "UPDATE_IN_PROGRESS"
        before = dict(self.stack.version.service.raw(FUNCTION))
        for id_, properties in version.service.raw(FUNCTION):
            if properties != before.get(id_):
                self._add(FUNCTION, id_, "UPDATE_IN_PROGRESS", ResourceProperties=json.dumps(properties))

    def end(self, status: UpdateStatus, reason: str) -> None:
        """Records how an update ended."""
        if status is not UpdateStatus.PROMOTED:
            self._add("AWS::Lambda::Alias", "Alias", "UPDATE_FAILED", ResourceStatusReason=reason)
        self.status = ENDS[status]
        self._add(STACK, self._name, self.status)

    @property
    def _template(self) -> StackTemplate:
        return self.stack.version.service

    @property
    def _name(self) -> str:
        return self._template.name

    def _add(self, kind: str, id_: str, status: str, **more: str) -> None:
        named = {"ResourceType": kind, "LogicalResourceId": id_, "ResourceStatus": status, **more}
        self.events.append(named | {"Timestamp": datetime.now(UTC)})

    def describe_stacks(self, StackName: str) -> Mapping[str, Any]:  # noqa: N803
        """Describes the stack."""
        assert StackName == self._name
        outputs = [
            {"OutputKey": name, "OutputValue": output["Value"]}
            for name, output in self._template.content["Outputs"].items()
            if isinstance(output["Value"], str)
        ]
        return {"Stacks": [{"StackName": StackName, "StackStatus": self.status, "Outputs": outputs}]}

    def get_paginator(self, operation: str) -> "LocalFormation":
        """Returns what pages through the events."""
        assert operation == "describe_stack_events"
        return self

    def paginate(self, StackName: str) -> Iterator[Mapping[str, Any]]:  # noqa: N803
        """Yields the events, newest first."""
        assert StackName == self._name
        yield {"StackEvents": self.events[::-1]}
