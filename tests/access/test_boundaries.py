"""Attempts to get more rights than a deployment of one stage has, and what has to go on working."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.access.evaluation import EVERYTHING, Document, Request, allowed, values
from tests.access.template import ACCOUNT, PSEUDO, REGION, Access

DEV = Access(Stage="dev", Repository="octo/voice")
BOUNDARY: Document = DEV["Boundary"]["PolicyDocument"]
DELIVERY: Document = DEV["Delivery"]["PolicyDocument"]
EXECUTION: Document = DEV["Execution"]["PolicyDocument"]
DEPLOY: Document = DEV["Deploy"]["Policies"][0]["PolicyDocument"]

IAM = f"arn:aws:iam::{ACCOUNT}"
OURS = f"{IAM}:policy/bonafide-dev-boundary"
WITHIN = {"iam:PermissionsBoundary": OURS}
ROLE = f"{IAM}:role/Bonafide-dev-Service-Victim"
HERE = {"aws:RequestedRegion": REGION}
PRODUCTION = {**HERE, "aws:ResourceTag/stage": "production"}


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def cdk(kind: str, qualifier: str) -> str:
    return f"{IAM}:role/cdk-{qualifier}-{kind}-role-{ACCOUNT}-{REGION}"


def linked(service: str, action: str = "iam:CreateServiceLinkedRole") -> Request:
    return Request(action, f"{IAM}:role/aws-service-role/{service}/AWSServiceRole", {"iam:AWSServiceName": service})


# Refused by the boundary, whatever policies the roles of the bootstrap have.
NEVER = {
    "a role without boundary": Request("iam:CreateRole", ROLE),
    "a role with a boundary of its own": Request(
        "iam:CreateRole", ROLE, {"iam:PermissionsBoundary": f"{IAM}:policy/mine"}
    ),
    "a role with the boundary of deployments": Request(
        "iam:CreateRole", ROLE, {"iam:PermissionsBoundary": f"{IAM}:policy/bonafide-dev-delivery"}
    ),
    "a role under another name": Request("iam:CreateRole", f"{IAM}:role/admin", WITHIN),
    "a policy for a role without boundary": Request("iam:PutRolePolicy", ROLE),
    "AdministratorAccess for the role of CloudFormation": Request(
        "iam:AttachRolePolicy",
        cdk("cfn-exec", "bonadev"),
        {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"},
    ),
    "another boundary": Request(
        "iam:PutRolePermissionsBoundary",
        ROLE,
        {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
    ),
    "no boundary": Request("iam:DeleteRolePermissionsBoundary", ROLE, WITHIN),
    "another text of the boundary": Request("iam:CreatePolicyVersion", OURS),
    "an older text of the boundary": Request("iam:SetDefaultPolicyVersion", OURS),
    "another text of the boundary of deployments": Request(
        "iam:CreatePolicyVersion", f"{IAM}:policy/bonafide-dev-delivery"
    ),
    "a role of a service that no template uses": linked("autoscaling.amazonaws.com"),
    "a user": Request("iam:CreateUser", f"{IAM}:user/mallory"),
    "a key of a user": Request("iam:CreateAccessKey", f"{IAM}:user/admin"),
    "the trust of the stage's own pipeline": Request("iam:UpdateAssumeRolePolicy", f"{IAM}:role/bonafide-dev-deploy"),
    "the trust of a role of production": Request(
        "iam:UpdateAssumeRolePolicy", f"{IAM}:role/Bonafide-production-Service-Victim"
    ),
    "a role of production for a function": Request(
        "iam:PassRole",
        f"{IAM}:role/Bonafide-production-Service-Victim",
        {"iam:PassedToService": "lambda.amazonaws.com"},
    ),
    "production's role for CloudFormation": Request(
        "iam:PassRole", cdk("cfn-exec", "bonaprod"), {"iam:PassedToService": "cloudformation.amazonaws.com"}
    ),
    "a stack of production": Request(
        "cloudformation:UpdateStack", arn("cloudformation", "stack/Bonafide-production-Data/1")
    ),
    "a change set of production": Request(
        "cloudformation:ExecuteChangeSet", arn("cloudformation", "stack/Bonafide-production-Service/1")
    ),
    "the stack of rights": Request("cloudformation:DeleteStack", arn("cloudformation", "stack/bonafide-access-dev/1")),
    "a function of production": Request(
        "lambda:UpdateFunctionCode", arn("lambda", "function:Bonafide-production-Service-Victim"), HERE
    ),
    "a table of production": Request("dynamodb:DeleteTable", arn("dynamodb", "table/Bonafide-production-Data-T"), HERE),
    "a recording of production": Request("s3:GetObject", "arn:aws:s3:::bonafide-production-data-audio-1/kept/a", HERE),
    "the key of production": Request("kms:ScheduleKeyDeletion", arn("kms", "key/1"), PRODUCTION),
    "the API of production": Request("apigateway:DELETE", f"arn:aws:apigateway:{REGION}::/restapis/1", PRODUCTION),
    "the tag of something of production": Request("kms:UntagResource", arn("kms", "key/1"), PRODUCTION),
}


@pytest.mark.parametrize("attempt", NEVER)
def test_no_deployment_of_development_can_get(attempt: str) -> None:
    assert not allowed(NEVER[attempt], [EXECUTION], DELIVERY)
    assert not allowed(NEVER[attempt], [EXECUTION, EVERYTHING], DELIVERY)


# Refused because nothing allows it.
NOT_GRANTED = {
    "AdministratorAccess for a function": Request(
        "iam:AttachRolePolicy", ROLE, {**WITHIN, "iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}
    ),
    "a role for a virtual machine": Request("iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}),
    "a policy for a role of a service": linked("mrk.kms.amazonaws.com", "iam:PutRolePolicy"),
    "a role of one service by the name of another": Request(
        "iam:CreateServiceLinkedRole",
        f"{IAM}:role/aws-service-role/mrk.kms.amazonaws.com/AWSServiceRole",
        {"iam:AWSServiceName": "autoscaling.amazonaws.com"},
    ),
    "a virtual machine": Request("ec2:RunInstances", "*", HERE),
    "another region": Request("lambda:CreateFunction", "*", {"aws:RequestedRegion": "us-east-2"}),
    "a bucket of somebody else": Request("s3:GetObject", "arn:aws:s3:::payroll/a", HERE),
    "a secret": Request("secretsmanager:GetSecretValue", arn("secretsmanager", "secret:x"), HERE),
}


@pytest.mark.parametrize("attempt", NOT_GRANTED)
def test_cloudformation_does_not_get(attempt: str) -> None:
    assert not allowed(NOT_GRANTED[attempt], [EXECUTION], DELIVERY)


WORKS = {
    "a role": Request("iam:CreateRole", ROLE, WITHIN),
    "its policy": Request("iam:PutRolePolicy", ROLE, WITHIN),
    "the boundary of a role from before": Request("iam:PutRolePermissionsBoundary", ROLE, WITHIN),
    "the policy of CodeDeploy": Request(
        "iam:AttachRolePolicy",
        ROLE,
        {**WITHIN, "iam:PolicyARN": "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"},
    ),
    "a role for a function": Request("iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
    "a function": Request(
        "lambda:UpdateFunctionCode",
        arn("lambda", "function:Bonafide-dev-Service-Victim"),
        {**HERE, "aws:ResourceTag/stage": "dev"},
    ),
    "a key": Request("kms:CreateKey", "*", HERE),
    "the role of KMS that copies multi-Region keys": linked("mrk.kms.amazonaws.com"),
    "the role of API Gateway that reads certificates": linked("ops.apigateway.amazonaws.com"),
    "a bucket": Request("s3:CreateBucket", "arn:aws:s3:::bonafide-dev-data-audio-1", HERE),
    "its code": Request("s3:GetObject", f"arn:aws:s3:::cdk-bonadev-assets-{ACCOUNT}-{REGION}/1.zip", HERE),
    "the version of the bootstrap": Request("ssm:GetParameters", arn("ssm", "parameter/cdk-bootstrap/bonadev/version")),
}


@pytest.mark.parametrize("step", WORKS)
def test_cloudformation_gets(step: str) -> None:
    assert allowed(WORKS[step], [EXECUTION], DELIVERY)


def test_the_pipeline_updates_stacks_of_its_stage_by_roles_of_its_bootstrap() -> None:
    update = Request("cloudformation:UpdateStack", arn("cloudformation", "stack/Bonafide-dev-Data/1"))
    passing = Request(
        "iam:PassRole", cdk("cfn-exec", "bonadev"), {"iam:PassedToService": "cloudformation.amazonaws.com"}
    )
    assert all(allowed(each, [EVERYTHING], DELIVERY) for each in (update, passing))
    for kind in ("deploy", "file-publishing", "lookup"):
        assert allowed(Request("sts:AssumeRole", cdk(kind, "bonadev")), [DEPLOY], DELIVERY)
        assert not allowed(Request("sts:AssumeRole", cdk(kind, "bonaprod")), [DEPLOY], DELIVERY)


def test_a_role_with_every_policy_gets_no_more_than_the_boundary() -> None:
    for action in (
        "iam:CreateUser",
        "sts:AssumeRole",
        "dynamodb:DeleteTable",
        "kms:ScheduleKeyDeletion",
        "s3:PutBucketPolicy",
    ):
        assert not allowed(Request(action, "*", HERE), [EVERYTHING], BOUNDARY)
    for resource in (arn("dynamodb", "table/Bonafide-production-Data-T"), arn("dynamodb", "table/payroll")):
        assert not allowed(Request("dynamodb:GetItem", resource), [EVERYTHING], BOUNDARY)
    assert not allowed(Request("kms:Decrypt", arn("kms", "key/1")), [EVERYTHING], BOUNDARY)


NAMES = {
    "AWS::DynamoDB::Table": ("dynamodb", "table/{}"),
    "AWS::KMS::Key": ("kms", "key/{}"),
    "AWS::Kinesis::Stream": ("kinesis", "stream/{}"),
    "AWS::Lambda::Function": ("lambda", "function:{}"),
    "AWS::Lambda::Alias": ("lambda", "function:{}:live"),
    "AWS::CodeBuild::Project": ("codebuild", "project/{}"),
    "AWS::ECR::Repository": ("ecr", "repository/{}"),
    "AWS::StepFunctions::StateMachine": ("states", "stateMachine:{}"),
    "AWS::Events::ApiDestination": ("events", "api-destination/{}/1"),
    "AWS::Logs::LogGroup": ("logs", "log-group:{}:*"),
}


class Deployed:
    """The templates of a stage, with names as CloudFormation makes them."""

    def __init__(self, folder: Path, stage: str = "dev") -> None:
        self.stacks = {
            path.name.split(".")[0]: json.loads(path.read_text())
            for path in folder.glob(f"Bonafide-{stage}-*.template.json")
        }

    def roles(self) -> Iterator[Any]:
        for template in self.stacks.values():
            yield from (each for each in template["Resources"].values() if each["Type"] == "AWS::IAM::Role")

    def granted(self) -> Iterator[Request]:
        """Yields a request for every grant of a policy, as the granted party would make it."""
        for stack, template in self.stacks.items():
            policies = (each for each in template["Resources"].values() if each["Type"] == "AWS::IAM::Policy")
            for policy in policies:
                for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                    yield from self._requests(stack, statement)

    def _requests(self, stack: str, statement: dict[str, Any]) -> Iterator[Request]:
        equal = dict(statement.get("Condition", {}).get("StringEquals", {}))
        if "kms:EncryptionContext:purpose" not in equal:
            # A grant without condition is made by CDK for Lambda, which reads the stream.
            equal.setdefault("kms:ViaService", f"kinesis.{REGION}.amazonaws.com")
        context = {name: self.text(stack, value) for name, value in equal.items()}
        for action in values(statement["Action"]):
            yield from (Request(action, self.text(stack, each), context) for each in values(statement["Resource"]))

    def text(self, stack: str, value: Any) -> str:
        match value:
            case str(form) | {"Fn::Sub": str(form)}:
                return re.sub(r"\$\{([^}]*)}", lambda found: PSEUDO.get(found[1], found[0]), form)
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(self.text(stack, each) for each in parts)
            case {"Fn::ImportValue": name}:
                owner, _, export = name.partition(":")
                output = self.stacks[owner]["Outputs"][export]
                return self.text(owner, output["Value"])
            case {"Ref": str(name)} if name in PSEUDO:
                return PSEUDO[name]
            case {"Ref": id_} | {"Fn::GetAtt": [id_, "Arn"]}:
                return self._name(stack, id_)
            case {"Fn::GetAtt": [id_, "StreamArn"]}:
                return f"{self._name(stack, id_)}/stream/2026-01-01T00:00:00.000"
        raise NotImplementedError(value)

    def _name(self, stack: str, id_: str) -> str:
        resource = self.stacks[stack]["Resources"][id_]
        kind, given = resource["Type"], resource.get("Properties", {}).get("Name")
        if kind == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{stack}-{id_}-1".lower()
        if kind == "AWS::IAM::Role":
            return f"{IAM}:role/{stack}-{id_}-1"
        service, form = NAMES.get(kind, ("", "{}"))
        name = f"{stack}-{id_}-1".lower() if service == "ecr" else f"{stack}-{id_}-1"
        return arn(service, form.format(given or name)) if service else id_


def test_every_role_has_the_boundary(assembly: Path) -> None:
    boundaries = [each["Properties"].get("PermissionsBoundary") for each in Deployed(assembly).roles()]
    assert boundaries
    assert all("policy/bonafide-dev-boundary" in json.dumps(each) for each in boundaries)


def test_roles_of_functions_fit_into_the_boundary(assembly: Path) -> None:
    requests = list(Deployed(assembly).granted())
    assert len(requests) > 100
    assert [each for each in requests if not allowed(each, [EVERYTHING], BOUNDARY)] == []


@pytest.mark.parametrize("policy", ["Boundary", "Delivery", "Execution"])
@pytest.mark.parametrize("stage", ["dev", "staging", "production"])
def test_a_policy_has_the_size_that_iam_takes(stage: str, policy: str) -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    assert (
        len(
            json.dumps(
                Access(Stage=stage, Training="yes", Network="yes")[policy]["PolicyDocument"], separators=(",", ":")
            )
        )
        <= 6144
    )


@pytest.mark.parametrize(("stage", "others"), [("dev", "staging production"), ("production", "dev staging")])
def test_a_stage_keeps_away_from_all_others(stage: str, others: str) -> None:
    policy = Access(Stage=stage)["Delivery"]["PolicyDocument"]
    for other in others.split():
        assert not allowed(
            Request("lambda:GetFunction", arn("lambda", f"function:Bonafide-{other}-X")), [EVERYTHING], policy
        )
    assert allowed(Request("lambda:GetFunction", arn("lambda", f"function:Bonafide-{stage}-X")), [EVERYTHING], policy)
