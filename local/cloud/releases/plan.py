"""The plan of a stack update, from two templates: aliases that change, their order and their traffic shifting.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-updatepolicy.html
https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
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
        steps: steps of traffic shifting; the last one has weight 1.
        alarms: alarms, each of which stops the update.
        before: hook function to invoke before traffic is shifted, if any.
        after: hook function to invoke after all traffic is shifted, if any.
    """

    function: str
    steps: Sequence[TrafficStep]
    alarms: Sequence[str] = ()
    before: str | None = None
    after: str | None = None


def waves(old: StackTemplate, new: StackTemplate) -> list[list[AliasShift]]:
    """Returns the updates of aliases whose version changes, dependencies first."""
    known = set(old.versions().values())
    changed = {id_: each for id_, each in _aliases(new).items() if _version(each) not in known}
    ranks = {id_: _rank(id_, new, changed) for id_ in changed}
    return [
        [_shift(new, changed[id_]) for id_ in changed if ranks[id_] == rank] for rank in sorted(set(ranks.values()))
    ]


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


def _shift(template: StackTemplate, alias: Mapping[str, Any]) -> AliasShift:
    function = template.function(alias["Properties"]["FunctionName"])
    policy = alias.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate")
    if policy is None:
        return AliasShift(function, [TrafficStep(1)])
    group = _group(template, policy["DeploymentGroupName"])
    hooks = [policy.get(name) for name in ("BeforeAllowTrafficHook", "AfterAllowTrafficHook")]
    before, after = (template.function(hook) if hook else None for hook in hooks)
    return AliasShift(function, steps(group["DeploymentConfigName"]), _alarms(group), before, after)


def _group(template: StackTemplate, reference: Mapping[str, str]) -> Mapping[str, Any]:
    name = template.resolve(reference)
    return next(each for id_, each in template.resources("AWS::CodeDeploy::DeploymentGroup") if id_ == name)


def _alarms(group: Mapping[str, Any]) -> Sequence[str]:
    rollback = group.get("AutoRollbackConfiguration", {})
    if not rollback.get("Enabled") or not set(rollback.get("Events", ())) >= ROLLBACK:
        raise NotImplementedError(f"a deployment group that does not roll back on {ROLLBACK}")
    alarms = group.get("AlarmConfiguration", {})
    return [each["Name"] for each in alarms.get("Alarms", [])] if alarms.get("Enabled") else []
