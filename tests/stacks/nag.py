"""Synthesizes with cdk-nag's rules: `python -m tests.stacks.nag OUT ROOT`; OUT/validation-report.json has findings."""

import contextlib
import sys
from pathlib import Path

import aws_cdk as cdk
import cdk_nag

from app import compose, context
from stacks.assets import Assets

app = cdk.App(context=context(), outdir=sys.argv[1], analytics_reporting=False)
compose(app, Assets(Path(sys.argv[2])))
cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))
# It raises after writing everything, since there are findings; the test says which are intended.
with contextlib.suppress(RuntimeError):
    app.synth()
