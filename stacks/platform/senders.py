"""Principals that the deployment's configuration binds to roles of the API, as functions read them."""

import re
from collections.abc import Mapping, Sequence
from typing import cast

import jsii
from aws_cdk import IStableStringProducer, Lazy, Stack

# `RELEASE_HOOK` of bonafide.access.principal.
RELEASE_HOOK = "arn:aws:iam::000000000000:user/bonafide-release-hook"
MODEL_ENGINEER = "model_engineer"
SHORT = re.compile(r"(role|user)/")


@jsii.implements(IStableStringProducer)
class SenderRules:
    """Roles of the stage, and those who make golden calls; written when the whole stack is known."""

    def __init__(self, stack: Stack, stage: str, principals: Mapping[str, Sequence[str]] | None) -> None:
        """Takes what cdk.json says.

        Args:
            stack: whose account short names are in.
            stage: name of the stage.
            principals: ARNs or short names such as role/NAME, by role; None for a stage that binds nobody.
        """
        self._stack = stack
        self._stage = stage
        self._principals = principals
        self._probers = [RELEASE_HOOK, self._full(f"role/bonafide-{stage}-deploy")]

    def add_prober(self, arn: str) -> None:
        """Adds a role that makes golden calls."""
        self._probers.append(arn)

    def value(self) -> str:
        """Returns the value of the functions' variable."""
        return Lazy.string(cast("IStableStringProducer", self))

    def produce(self) -> str:
        """Returns the rules as JSON; called by the synthesis."""
        return self._stack.to_json_string({"stage": self._of_stage(), "probers": self._probers})

    def _of_stage(self) -> dict[str, list[str]] | None:
        if self._principals is None:
            return None
        own = {role: [self._full(each) for each in patterns] for role, patterns in self._principals.items()}
        # The pipeline reports promotions, and jobs of a training register versions.
        pipeline = [f"role/bonafide-{self._stage}-deploy", f"role/Bonafide-{self._stage}-Ml-*"]
        engineers = [*own.get(MODEL_ENGINEER, []), *map(self._full, pipeline)]
        return {**own, MODEL_ENGINEER: engineers}

    def _full(self, principal: str) -> str:
        if not SHORT.match(principal):
            return principal
        kind, _, name = principal.partition("/")
        return self._stack.format_arn(service="iam", region="", resource=kind, resource_name=name)
