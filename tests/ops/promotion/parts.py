"""A registry in memory behind the calls of its client, and a stack that CloudFormation describes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from bonafide.contracts.registry.promotions import aliases_view, promotion_view
from bonafide.records.promotion import PromotionKind
from bonafide.services.models.promotions import PromotionReport, PromotionWish
from ops.registry.client import ModelRegistry
from tests.services.models.parts import ENGINEER, NOW, Candidate, Registry

FIRST = Candidate("first")
SECOND = Candidate("second", champion=FIRST.digest)
SERVICE = "Bonafide-dev-Service"


def write(folder: Path, candidate: Candidate) -> Path:
    """Writes the bundle of a candidate with its documents."""
    folder.mkdir(parents=True)
    for name, content in candidate.contents.items():
        (folder / name).write_bytes(content)
    return folder


class RegistryClient(ModelRegistry):
    """The registry's client, without HTTP."""

    def __init__(self) -> None:
        self.registry = Registry()
        for candidate in (FIRST, SECOND):
            self.registry.register(candidate)
        self.downloads = 0

    def champion(self, candidate: Candidate) -> None:
        self.complete(self.ask("promote", candidate), True, "r0", "deployed")

    def ask(self, kind: str, candidate: Candidate | None = None) -> str:
        wish = PromotionWish(PromotionKind(kind), candidate.digest if candidate else None, "why")
        return str(self.registry.promotions.request(wish, ENGINEER).sequence)

    def promotion(self, id_: str) -> dict[str, Any]:
        return promotion_view(self.registry.promotions.get(int(id_))).model_dump(mode="json")

    def aliases(self) -> dict[str, Any]:
        return aliases_view(*self.registry.promotions.aliases()).model_dump(mode="json")

    def complete(self, id_: str, succeeded: bool, release: str, detail: str) -> dict[str, Any]:
        self.registry.promotions.complete(int(id_), PromotionReport(succeeded, release, detail))
        return self.promotion(id_)

    def download(self, digest: str, folder: Path, *, documents: bool = True) -> None:
        self.downloads += 1
        write(folder, next(each for each in (FIRST, SECOND) if each.digest == digest))


@dataclass
class Formation:
    """CloudFormation with one stack: outputs, status each time that it is asked for, events, newest first."""

    model: str | None
    statuses: list[str] = field(default_factory=lambda: ["UPDATE_COMPLETE"])
    events: list[Mapping[str, Any]] = field(default_factory=list)
    release: str = "1f2e3d4c5b6a 2026-01-01T10:00:00Z model 0a0a0a0a0a0a"

    def describe_stacks(self, StackName: str) -> Mapping[str, Any]:  # noqa: N803
        assert StackName == SERVICE
        outputs = {"Release": self.release} | ({"Model": self.model} if self.model else {})
        named = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {"Stacks": [{"StackName": StackName, "StackStatus": status, "Outputs": named}]}

    def get_paginator(self, operation: str) -> "Formation":
        assert operation == "describe_stack_events"
        return self

    def paginate(self, StackName: str) -> Sequence[Mapping[str, Any]]:  # noqa: N803
        assert StackName == SERVICE
        return [{"StackEvents": [each]} for each in self.events]

    def taken_back(self, digest: str, reason: str, *, after: timedelta = timedelta(minutes=1)) -> None:
        """Adds the events of an update with a bundle that was rolled back, some time after the promotion's request."""
        at = {"Timestamp": NOW.astimezone(UTC) + after}
        canceled = {"ResourceStatus": "UPDATE_FAILED", "ResourceStatusReason": "Resource update cancelled"}
        self.events[:0] = [
            at
            | {"ResourceType": "AWS::CloudFormation::Stack", "LogicalResourceId": SERVICE}
            | {"ResourceStatus": "UPDATE_ROLLBACK_COMPLETE"},
            at | {"ResourceType": "AWS::Lambda::Alias", "LogicalResourceId": "Other"} | canceled,
            at
            | {"ResourceType": "AWS::Lambda::Alias", "LogicalResourceId": "AuthenticateCallerAlias"}
            | {"ResourceStatus": "UPDATE_FAILED", "ResourceStatusReason": reason},
            at | {"ResourceType": "AWS::Lambda::Alias", "LogicalResourceId": "Other"} | canceled,
            at
            | {"ResourceType": "AWS::Lambda::Function", "LogicalResourceId": "F"}
            | {"ResourceStatus": "UPDATE_IN_PROGRESS", "ResourceProperties": f'{{"Environment": "{digest}"}}'},
        ]
        self.statuses = ["UPDATE_ROLLBACK_COMPLETE"]
