"""The training stack, which only a stage that asks for it has."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ops.synthesis import ROOT
from ops.training import content
from stacks import ml
from stacks.assets import TRAINING
from stacks.stage import MlSettings
from stacks.stage_checks import StageSettingError
from tests.access.evaluation import EVERYTHING, Request, allowed
from tests.access.template import Access
from tests.access.test_boundaries import Deployed
from tests.stacks.delivery import Template, of

NAME = "Bonafide-production-Ml"
# Findings of cdk-nag that are intended, and the reasons.
INTENDED = {
    "CB4": "the project has no artifacts and no cache",
    "IAM5": "jobs of one prefix, objects of one bucket, routes of one API, log groups of SageMaker, X-Ray, ECR's token",
    "S1": "only the training's jobs write and read it, which log",
}


@pytest.fixture(scope="module")
def template(variants: Path) -> Template:
    found: Template = json.loads((variants / "optional" / f"{NAME}.template.json").read_text())
    return found


def properties(template: Template, kind: str) -> Any:
    (found,) = of(template, kind).values()
    return found["Properties"]


def text(value: Any) -> str:
    """A value with the ids of what it refers to."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(text, parts))
        case {"Ref": name} | {"Fn::GetAtt": [name, _]} | {"Fn::ImportValue": name}:
            return str(name)
    return str(value)


@pytest.fixture(scope="module")
def definition(template: Template) -> Any:
    return json.loads(text(properties(template, "StepFunctions::StateMachine")["DefinitionString"]))


def test_a_stage_trains_only_if_it_asks_for_it(assembly: Path, variants: Path) -> None:
    assert not list(assembly.glob("Bonafide-*-Ml.template.json"))
    assert not list((variants / "true").glob("*-Ml.template.json"))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "a size, a repository, or both"),
        ({"size": "full", "repository": "octo/voice"}, "both repository and secret"),
    ],
)
def test_a_setting_that_asks_for_nothing_or_half_is_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(StageSettingError, match=reason):
        MlSettings(**settings)


def test_findings_of_cdk_nag_are_intended(variants: Path) -> None:
    (report,) = json.loads((variants / "optional/validation-report.json").read_text())["pluginReports"]
    found = {
        each["ruleName"].partition("[")[0].removeprefix("AwsSolutions-")
        for each in report["violations"]
        if any(construct["constructPath"].startswith(f"{NAME}/") for construct in each["violatingConstructs"])
    }
    assert found == set(INTENDED)


def test_jobs_run_the_image_of_these_sources_as_the_job_role(template: Template, definition: Any) -> None:
    job = definition["States"]["register"]["Arguments"]
    (source,) = {each["Value"] for each in _variables(template) if each["Name"] == "TAG"}
    assert job["AlgorithmSpecification"]["TrainingImage"].endswith(f":{source}")
    assert job["RoleArn"].startswith("JobRole")
    role = next(each for id_, each in of(template, "IAM::Role").items() if id_ == job["RoleArn"])
    (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}


def test_a_stage_may_have_a_machine_of_its_own(definition: Any) -> None:
    branches = [branch for each in definition["States"].values() for branch in each.get("Branches", [])]
    states = definition["States"] | {name: state for each in branches for name, state in each["States"].items()}
    types = {
        name: state["Arguments"]["ResourceConfig"]["InstanceType"]
        for name, state in states.items()
        if "ResourceConfig" in state.get("Arguments", {})
    }
    assert types.pop("train") == "ml.g5.xlarge"
    assert set(types.values()) == {"ml.m5.xlarge"}


def _variables(template: Template) -> Any:
    return properties(template, "CodeBuild::Project")["Environment"]["EnvironmentVariables"]


def test_nothing_of_it_costs_anything_while_nothing_is_trained(template: Template) -> None:
    kinds = {each["Type"] for each in template["Resources"].values()}
    assert kinds <= {
        "AWS::CDK::Metadata",
        "AWS::CodeBuild::Project",
        "AWS::ECR::Repository",
        "AWS::Events::ApiDestination",
        "AWS::Events::Connection",
        "AWS::Events::Rule",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::StepFunctions::StateMachine",
    }


def test_everything_that_is_stored_expires(template: Template) -> None:
    rules = properties(template, "S3::Bucket")["LifecycleConfiguration"]["Rules"]
    assert {each["Id"]: each.get("ExpirationInDays") for each in rules if "Prefix" not in each} == {
        "content": content.KEPT_DAYS,
        "unfinished": None,
    }
    assert ml.CONTENT_DAYS == content.KEPT_DAYS
    policy = json.loads(properties(template, "ECR::Repository")["LifecyclePolicy"]["LifecyclePolicyText"])
    assert [each["selection"]["countUnit"] for each in policy["rules"]] == ["days"]
    assert all("RetentionInDays" in each["Properties"] for each in of(template, "Logs::LogGroup").values())


def test_recordings_are_encrypted_with_the_key_of_recordings(template: Template) -> None:
    (rule,) = properties(template, "S3::Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert "Bonafide-production-Data" in json.dumps(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"])


def test_logs_of_the_machine_hold_no_data(template: Template) -> None:
    logging = properties(template, "StepFunctions::StateMachine")["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)


def test_a_requested_promotion_of_this_stage_starts_the_release_pipeline(template: Template) -> None:
    (rule,) = (each for each in of(template, "Events::Rule").values() if "InputTransformer" in json.dumps(each))
    pattern, (target,) = rule["Properties"]["EventPattern"], rule["Properties"]["Targets"]
    assert pattern == {
        "source": ["bonafide.models"],
        "detail-type": ["Model promotion requested"],
        "detail": {"stage": ["production"]},
    }
    transformer = target["InputTransformer"]
    body = re.sub(
        r"<([a-z-]+)>", lambda found: json.dumps(transformer["InputPathsMap"][found[1]]), transformer["InputTemplate"]
    )
    assert json.loads(body) == {
        "ref": "main",
        "inputs": {name: f"$.detail.{name}" for name in ("stage", "promotion", "digest")},
    }
    destination = properties(template, "Events::ApiDestination")
    assert destination["InvocationEndpoint"] == (
        "https://api.github.com/repos/octo/voice/actions/workflows/promote.yml/dispatches"
    )
    assert destination["HttpMethod"] == "POST"


def test_the_workflow_that_is_started_takes_what_it_is_given() -> None:
    text = (ROOT / ".github/workflows/promote.yml").read_text()
    inputs = text.split("workflow_dispatch:")[1].split("\njobs:")[0]
    assert all(re.search(rf"^\s+{name}:", inputs, re.MULTILINE) for name in ("stage", "promotion", "digest"))


def test_the_token_is_in_no_template(template: Template) -> None:
    parameters = properties(template, "Events::Connection")["AuthParameters"]["ApiKeyAuthParameters"]
    assert parameters["ApiKeyName"] == "Authorization"
    assert parameters["ApiKeyValue"].startswith("{{resolve:secretsmanager:bonafide/production/github:")


def test_a_failed_training_is_told(template: Template) -> None:
    rules = [each["Properties"] for each in of(template, "Events::Rule").values()]
    (rule,) = (each for each in rules if each["EventPattern"]["source"] == ["aws.states"])
    assert rule["EventPattern"]["detail"]["stateMachineArn"] == [
        {"suffix": ":stateMachine:bonafide-production-training"}
    ]
    assert "Tickets" in text(rule["Targets"][0]["Arn"])


def test_the_image_is_built_of_files_that_are_there() -> None:
    docker = (ROOT / "training/Dockerfile").read_text()
    copied = re.findall(r"^COPY (\S+) /tmp", docker, re.MULTILINE)
    assert copied
    assert all((ROOT / each).is_file() and each.split("/")[0] in TRAINING for each in copied)
    assert all((ROOT / each).exists() for each in TRAINING)


def test_roles_of_the_training_fit_into_the_boundary_of_a_stage_that_trains(variants: Path) -> None:
    training, without = (
        Access(Stage="production", Training=answer)["Boundary"]["PolicyDocument"] for answer in ("yes", "no")
    )
    granted = Deployed(variants / "optional", "production").granted()
    # Announcing promotions is part of the registry.
    requests = [each for each in granted if each.action not in ("iam:PassRole", "events:PutEvents")]
    assert [each for each in requests if not allowed(each, [EVERYTHING], training)] == []
    assert any(not allowed(each, [EVERYTHING], without) for each in requests)


@pytest.mark.parametrize(
    ("service", "role", "handed_over"),
    [
        ("sagemaker", "Bonafide-production-Ml-JobRole-1", True),
        ("sagemaker", "Bonafide-production-Service-Victim", False),
        ("ec2", "Bonafide-production-Ml-JobRole-1", False),
    ],
)
def test_the_machine_hands_only_roles_of_training_and_only_to_sagemaker(
    service: str, role: str, handed_over: bool
) -> None:
    request = Request(
        "iam:PassRole", f"arn:aws:iam::123456789012:role/{role}", {"iam:PassedToService": f"{service}.amazonaws.com"}
    )
    boundary = Access(Stage="production", Training="yes")["Boundary"]["PolicyDocument"]
    assert allowed(request, [EVERYTHING], boundary) is handed_over
    assert not allowed(request, [EVERYTHING], Access(Stage="production")["Boundary"]["PolicyDocument"])


@pytest.mark.parametrize("action", ["states:CreateStateMachine", "codebuild:CreateProject", "ecr:CreateRepository"])
def test_cloudformation_makes_what_trains_only_where_it_is_wanted(action: str) -> None:
    request = Request(action, "*", {"aws:RequestedRegion": "eu-west-1"})
    for answer in ("yes", "no"):
        execution = Access(Stage="dev", Training=answer)["Execution"]["PolicyDocument"]
        assert allowed(request, [execution]) is (answer == "yes")
