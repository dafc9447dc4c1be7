"""Synthesizes the stacks of the stage dev with training: `python -m local.cloud.workflow.compose OUT SIZE`."""

import sys
from typing import Any

import aws_cdk as cdk

from app import ROOT, compose, context
from stacks.assets import Assets

STAGE = "dev"


def main(out: str, size: str) -> None:
    """Writes the cloud assembly; nothing is copied, since nothing is uploaded."""
    settings: Any = context()
    settings["stages"][STAGE]["ml"] = {"size": size}
    settings |= {"stage": STAGE, "aws:cdk:disable-asset-staging": True}
    app = cdk.App(context=settings, outdir=out, analytics_reporting=False)
    compose(app, Assets(ROOT))
    app.synth()


if __name__ == "__main__":
    main(*sys.argv[1:])
