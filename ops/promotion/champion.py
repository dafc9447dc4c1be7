"""Refuses to deploy another model than the champion: `python -m ops.promotion.champion --stage S --assembly A`.

A release of code takes the champion of the stage's registry along, and never another bundle: the registry would say
that the champion answers callers, and it would not. Only a promotion deploys another bundle, the one that it promotes.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from ops.promotion.stage import FAILURES, SHORT, registry_of, service_stack


@dataclass(frozen=True, slots=True)
class ModelDeployment:
    """The model that somebody wants to deploy.

    Attributes:
        stage: one of cdk.json.
        model: digest of the bundle in the archive.
        promotion: id of the promotion that the deployment is part of; empty for an ordinary release.
        named: digest by which somebody confirmed that the archive holds another model; may be empty.
    """

    stage: str
    model: str
    promotion: str = ""
    named: str = ""

    def refusal(self, registry: Mapping[str, Any]) -> str:
        """Returns why it is refused and what to do instead; empty if it may go on.

        Args:
            registry: aliases and pending promotion of the stage's registry.
        """
        if self.named:
            return "" if self.named == self.model else f"the archive holds {self.model}, and not MODEL={self.named}"
        if self.promotion:
            return self._of_promotion(registry["pending"] or {})
        champion = registry["champion"]
        return "" if champion in {None, self.model} else self._of_release(champion)

    def _of_promotion(self, pending: Mapping[str, Any]) -> str:
        if pending.get("id") != self.promotion:
            return f"promotion {self.promotion} is not pending"
        wanted = pending["digest"]
        return "" if wanted == self.model else f"the archive holds {self.model}, and the promotion is one of {wanted}"

    def _of_release(self, champion: str) -> str:
        return (
            f"the archive holds model {self.model[:SHORT]}, and the champion of {self.stage} is {champion[:SHORT]}. "
            f"To release code with the champion: `make champion STAGE={self.stage} RELEASE=...` builds the archive's "
            f"revision with it; without an archive, `make deploy STAGE={self.stage} BUNDLE=champion`. "
            f'To change the model: `make registry STAGE={self.stage} ARGS="promote {self.model} --reason ..."`. '
            f"If the registry is to be passed by: MODEL={self.model}"
        )


def main() -> int:
    """Runs the command; returns 0 if the model may be deployed."""
    parser = argparse.ArgumentParser(description="Refuse to deploy another model than the champion.")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--assembly", type=Path, required=True, help="folder of the templates to deploy")
    parser.add_argument("--promotion", default="", help="id of the promotion that this deployment is part of")
    parser.add_argument("--model", default="", help="digest of the archive's model, although it is not the champion")
    given = parser.parse_args()
    asked = ModelDeployment(given.stage, model_of(given.assembly, given.stage), given.promotion, given.model)
    try:
        refusal = check(asked)
    except FAILURES as error:
        refusal = f"the registry of {given.stage} cannot be read ({error}); without it, MODEL={asked.model} deploys"
    print(f"model: {refusal}" if refusal else f"Model of the release: {asked.model}", file=sys.stderr)
    return 1 if refusal else 0


def model_of(assembly: Path, stage: str) -> str:
    """Returns the digest of the bundle that templates deploy; empty for those of before the registry."""
    template = json.loads((assembly / f"Bonafide-{stage}-Service.template.json").read_text())
    return str(template["Outputs"].get("Model", {}).get("Value", ""))


def check(asked: ModelDeployment) -> str:
    """Returns why the stage's registry is against a deployment; empty if it is not, or if there is none."""
    if asked.named:
        return asked.refusal({})
    stack = service_stack(boto3.client("cloudformation"), asked.stage)
    if stack is None or "Model" not in stack.outputs:
        return ""
    return asked.refusal(registry_of(asked.stage).aliases())


if __name__ == "__main__":
    sys.exit(main())
