"""The plan of a stack update, from two templates: aliases that change, their order and their traffic shifting.

A rollback is planned in the same way, from the new template to the old one, whose update policies it follows.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-updatepolicy.html
https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.aws.template import StackTemplate
from local.cloud.clock import MINUTE

CONFIG = re.compile(r"CodeDeployDefault\.Lambda(Canary|Linear)(\d+)Percent(?:Every)?(\d+)Minutes?")
ALL_AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
# Without automatic rollback a failed deployment would keep serving callers.
ROLLBACK = {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"}


@dataclass(frozen=True, slots=True)
class TrafficStep:
    """A step of traffic shifting.

    Attributes:
        weight: fraction of the traffic that the new version gets.
        seconds: duration of the step.
    """

    weight: float
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class AliasShift:
    """The update of one alias.

    Attributes:
        function: name of the function.
        version: number of the version that the alias is moved to.
        former: number of the version that it points to; None for an alias that is created.
        steps: steps of traffic shifting; the last one has weight 1. There are none for an alias that is created.
        alarms: alarms, each of which stops the update.
        before: hook function to invoke before traffic is shifted, if any.
        after: hook function to invoke after all traffic is shifted, if any.
    """

    function: str
    version: str
    former: str | None = None
    steps: Sequence[TrafficStep] = ()
    alarms: Sequence[str] = ()
    before: str | None = None
    after: str | None = None


def waves(old: StackTemplate, new: StackTemplate, only: Collection[str] | None = None) -> list[list[AliasShift]]:
    """Returns the updates of aliases whose version changes, dependencies first.

    Args:
        old: template that is deployed.
        new: template whose update policies apply.
        only: names of functions, if others stay as they are.
    """
    known = set(old.versions().values())
    changed = {
        id_: each
        for id_, each in _aliases(new).items()
        if _version(each) not in known and (only is None or _function(new, each) in only)
    }
    ranks = {id_: _rank(id_, new, changed) for id_ in changed}
    return [[_shift(old, new, id_) for id_ in changed if ranks[id_] == rank] for rank in sorted(set(ranks.values()))]


def steps(config: str) -> list[TrafficStep]:
    """Parses the name of a deployment configuration.

    Raises:
        NotImplementedError: it is not a predefined one for Lambda.
    """
    if config == ALL_AT_ONCE:
        return [TrafficStep(1)]
    found = CONFIG.fullmatch(config)
    if not found:
        raise NotImplementedError(f"the deployment configuration {config}")
    percent, seconds = int(found[2]), int(found[3]) * MINUTE
    last = percent + 1 if found[1] == "Canary" else 100
    return [*(TrafficStep(part / 100, seconds) for part in range(percent, last, percent)), TrafficStep(1)]


def _aliases(template: StackTemplate) -> Mapping[str, Mapping[str, Any]]:
    return {id_: each for id_, each in template.content["Resources"].items() if each["Type"] == "AWS::Lambda::Alias"}


def _version(alias: Mapping[str, Any]) -> str:
    return str(alias["Properties"]["FunctionVersion"]["Fn::GetAtt"][0])


def _rank(alias: str, template: StackTemplate, changed: Mapping[str, Any]) -> int:
    """Returns the length of the longest chain of changing aliases that this one depends on."""
    return max((1 + _rank(each, template, changed) for each in _needed(alias, template, changed)), default=0)


def _needed(resource: str, template: StackTemplate, changed: Mapping[str, Any]) -> Iterator[str]:
    """Yields the changing aliases that a resource depends on, also through aliases that do not change."""
    written = template.content["Resources"][resource].get("DependsOn", [])
    for each in [written] if isinstance(written, str) else written:
        yield from [each] if each in changed else _needed(each, template, changed)


def _shift(old: StackTemplate, new: StackTemplate, id_: str) -> AliasShift:
    alias = _aliases(new)[id_]
    function, version = _function(new, alias), new.number(_version(alias))
    if id_ not in _aliases(old):
        # An update policy says nothing of an alias that is created.
        return AliasShift(function, version)
    former = old.number(_version(_aliases(old)[id_]))
    policy = alias.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate")
    if policy is None:
        return AliasShift(function, version, former, [TrafficStep(1)])
    group = _group(new, policy["DeploymentGroupName"])
    hooks = [policy.get(name) for name in ("BeforeAllowTrafficHook", "AfterAllowTrafficHook")]
    before, after = (new.function(hook) if hook else None for hook in hooks)
    return AliasShift(function, version, former, steps(group["DeploymentConfigName"]), _alarms(group), before, after)


def _function(template: StackTemplate, alias: Mapping[str, Any]) -> str:
    return template.function(alias["Properties"]["FunctionName"])


def _group(template: StackTemplate, reference: Mapping[str, str]) -> Mapping[str, Any]:
    name = template.resolve(reference)
    return next(each for id_, each in template.resources("AWS::CodeDeploy::DeploymentGroup") if id_ == name)


def _alarms(group: Mapping[str, Any]) -> Sequence[str]:
    rollback = group.get("AutoRollbackConfiguration", {})
    if not rollback.get("Enabled") or not set(rollback.get("Events", ())) >= ROLLBACK:
        raise NotImplementedError(f"a deployment group that does not roll back on {ROLLBACK}")
    alarms = group.get("AlarmConfiguration", {})
    return [each["Name"] for each in alarms.get("Alarms", [])] if alarms.get("Enabled") else []
