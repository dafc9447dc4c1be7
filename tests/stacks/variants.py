"""Synthesizes the templates of the product and of changed ones: `python -m tests.stacks.variants OUT CHANGED`.

One program for all, because starting the CDK takes seconds. CHANGED is a copy of the repository with another layer.
"""

import contextlib
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
import cdk_nag
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_

from app import ROOT, compose, context
from stacks import service
from stacks.assets import Assets
from stacks.constructs.ledger import LedgerCapability
from stacks.data import DataStack
from stacks.platform.api import ServiceApi
from stacks.platform.caller_policies import CallerPolicies
from stacks.platform.function import SMALL, FunctionProps, ServiceFunction
from stacks.platform.network import put_into_vpc
from stacks.platform.release import ProvisionedConcurrencyError
from stacks.platform.service_platform import ReservedConcurrencyError
from stacks.stage import DeploymentStage

VICTIM = "authenticate_caller"
CUSTOM_DOMAIN = {
    "name": "voice.example.com",
    "certificate": "arn:aws:acm:eu-west-1:123456789012:certificate/0f1e2d3c",
}
ML = {
    "size": "full",
    "instances": {"train": "ml.g5.xlarge"},
    "repository": "octo/voice",
    "secret": "bonafide/production/github",
}

PRIVATE = {
    "vpc_endpoints": ["vpce-0123456789abcdef0", "vpce-0fedcba9876543210"],
    "subnets": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
    "security_groups": ["sg-0a1b2c3d"],
}
WAF = {"requests_per_address": 20_000}
QUOTA = {"requests_per_second": 5, "burst": 20}

REFUSED = {
    "refusal": {"provisioned": {VICTIM: 2}},
    "misspelt": {"provisioned": {f"{VICTIM}s": 2}},
    "misspelt-reserved": {"reserved": {f"{VICTIM}s": 2}},
    "starved": {"reserved": {"score_audio": 3}},
}


def synthesize(out: Path, root: Path, *, nag: bool = False, **changes: Any) -> None:
    settings = {**context(), "stage": "production", "aws:cdk:disable-asset-staging": True, **changes}
    app = cdk.App(context=settings, outdir=str(out), analytics_reporting=False)
    compose(app, Assets(root))
    if nag:
        cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))
    # With findings it raises after writing everything; tests say which are intended.
    with contextlib.suppress(RuntimeError) if nag else contextlib.nullcontext():
        app.synth()


def reverse(out: Path) -> None:
    """Synthesizes with the capabilities added the other way around."""
    capabilities = service.CAPABILITIES
    service.CAPABILITIES = tuple(reversed(capabilities))
    synthesize(out, ROOT)
    service.CAPABILITIES = capabilities


def refusal(out: Path, **setting: dict[str, int]) -> str:
    stages: Any = context()["stages"]
    try:
        synthesize(out, ROOT, stages={"production": {**stages["production"], **setting}})
    except (ProvisionedConcurrencyError, ReservedConcurrencyError) as error:
        return str(error)
    return ""


def optional(out: Path) -> None:
    """Synthesizes with every optional setting of a stage, and with cdk-nag's rules."""
    stages: Any = context()["stages"]
    settings = {"multi_region_key": False, "recovery_days": 7, "custom_domain": CUSTOM_DOMAIN, "ml": ML}
    synthesize(out, ROOT, nag=True, stages={"production": stages["production"] | settings})


def guarded(out: Path) -> None:
    """Synthesizes an API in a VPC behind a web ACL, a function that counts, and no ledger, with cdk-nag's rules."""
    stages: Any = context()["stages"]
    changes = {"stages": {"production": stages["production"] | {"private": PRIVATE, "waf": WAF, "domain_quota": QUOTA}}}
    app = cdk.App(context={**context(), "stage": "production", **changes}, outdir=str(out), analytics_reporting=False)
    stack, stage = cdk.Stack(app, "Guarded"), DeploymentStage.of(app)
    api = ServiceApi(stack, "Api", stage=stage)
    rest: Any = api.node.find_child("Rest")
    rest.root.add_resource("v1").add_method("GET", apigateway.MockIntegration())
    code = lambda_.Code.from_inline("def lambda_handler(event, context): pass")
    caller = ServiceFunction(stack, FunctionProps("caller", code, [], {}, SMALL, stage.log_retention, "of the API"))
    assert stage.private
    put_into_vpc(caller, stage.private)
    api.count_domains(caller)
    # It has nothing to make functions with.
    without: Any = SimpleNamespace(stage=replace(stage, ledger=False))
    LedgerCapability(stack, without)
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))
    with contextlib.suppress(RuntimeError):
        app.synth()


def policies(out: Path) -> None:
    """Synthesizes the policies for callers of two domains, in a stack of their own."""
    app = cdk.App(outdir=str(out), analytics_reporting=False)
    CallerPolicies(cdk.Stack(app, "Policies"), "production", "abcdefghij", ["acme", "acme-2"])
    app.synth()


def alone(out: Path) -> None:
    """Synthesizes the data stack without any that imports from it."""
    app = cdk.App(context={**context(), "stage": "production"}, outdir=str(out), analytics_reporting=False)
    DataStack(app, "Bonafide-production-Data", stage=DeploymentStage.of(app))
    app.synth()


def main(out: Path, changed: Path) -> None:
    synthesize(out / "true", ROOT)
    optional(out / "optional")
    guarded(out / "guarded")
    policies(out / "policies")
    alone(out / "alone")
    reverse(out / "reversed")
    synthesize(out / "layer", changed)
    synthesize(out / "release", ROOT, release="another")
    for name, settings in REFUSED.items():
        (out / f"{name}.txt").write_text(refusal(out / "refused", **settings))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
