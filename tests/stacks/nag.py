"""Synthesizes into a folder with cdk-nag's rules; the findings are in its validation-report.json."""

import contextlib
import sys

import aws_cdk as cdk
import cdk_nag

from app import ROOT, compose, context
from stacks.assets import Assets

app = cdk.App(context=context(), outdir=sys.argv[1], analytics_reporting=False)
compose(app, Assets(ROOT))
cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))
# It raises after writing everything, since there are findings; the test says which are intended.
with contextlib.suppress(RuntimeError):
    app.synth()
