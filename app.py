"""Composes the stacks without calling AWS: account and region are those of the deployment."""

import json
import os
from pathlib import Path

import aws_cdk as cdk

from stacks.assets import Assets
from stacks.data import DataStack
from stacks.ml import MlStack
from stacks.monitoring import MonitoringStack
from stacks.notices import Notice
from stacks.service import ServiceStack
from stacks.stage import DeploymentStage

ROOT = Path(__file__).parent


def context() -> dict[str, object]:
    """Reads cdk.json, so that `python app.py` and `cdk synth` write the same templates."""
    content: dict[str, object] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return content


def compose(app: cdk.App, assets: Assets) -> None:
    """Adds the stacks of the stage that the context names."""
    stage = DeploymentStage.of(app)
    _bind(app, stage)
    data = DataStack(app, f"Bonafide-{stage.name}-Data", stage=stage)
    service = ServiceStack(app, f"Bonafide-{stage.name}-Service", stage=stage, data=data, assets=assets)
    monitoring = MonitoringStack(app, f"Bonafide-{stage.name}-Monitoring", stage=stage.name)
    # It refers to the service's alarms by name: a composite alarm can only be made of alarms that exist.
    monitoring.add_dependency(service)
    if stage.ml:
        ml = MlStack(app, f"Bonafide-{stage.name}-Ml", stage=stage, data=data, api=service.api.id, assets=assets)
        ml.tell(monitoring.topics[Notice.TICKET])
    cdk.Tags.of(app).add("application", "bonafide")
    cdk.Tags.of(app).add("stage", stage.name)


def _bind(app: cdk.App, stage: DeploymentStage) -> None:
    """Makes every stack use the stage's own bootstrap, and gives every role the stage's permissions boundary.

    docs/operations/access.yaml makes the boundary; CloudFormation may create no role without it.
    """
    app.node.set_context("@aws-cdk/core:bootstrapQualifier", stage.qualifier)
    app.node.set_context("@aws-cdk/core:permissionsBoundary", {"name": f"bonafide-{stage.name}-boundary"})


def main() -> None:
    """Writes the templates and assets to CDK_OUTDIR, by default cdk.out."""
    outdir = os.environ.get("CDK_OUTDIR", str(ROOT / "cdk.out"))
    app = cdk.App(context=context(), outdir=outdir, analytics_reporting=False)
    compose(app, Assets(ROOT))
    app.synth()


if __name__ == "__main__":
    main()
