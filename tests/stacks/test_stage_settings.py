"""Optional settings of a stage, and what the templates are without them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ops.synthesis import ROOT
from stacks.stage import DeploymentStage
from stacks.stage_checks import StageSettingError, recovery_period
from tests.stacks.delivery import Template, of
from tests.stacks.variants import CUSTOM_DOMAIN


def read(variants: Path, variant: str, stack: str) -> Template:
    content: Template = json.loads((variants / variant / f"Bonafide-production-{stack}.template.json").read_text())
    return content


def properties(template: Template, kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in of(template, kind).values()]


def test_the_data_key_can_be_replicated_unless_a_stage_says_otherwise(variants: Path) -> None:
    (key,) = properties(read(variants, "true", "Data"), "KMS::Key")
    assert key["MultiRegion"] is True
    (key,) = properties(read(variants, "optional", "Data"), "KMS::Key")
    assert key["MultiRegion"] is False


def test_a_setting_of_the_key_renames_nothing(variants: Path) -> None:
    before, after = (read(variants, name, "Data")["Resources"] for name in ("true", "optional"))
    assert before.keys() == after.keys()


@pytest.mark.parametrize(("variant", "days"), [("true", 35), ("optional", 7)])
def test_tables_can_be_restored_as_far_back_as_the_stage_says(variants: Path, variant: str, days: int) -> None:
    tables = properties(read(variants, variant, "Data"), "DynamoDB::Table")
    found = [each["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"] for each in tables]
    # That of keys of templates keeps what was deleted for a day, whatever the stage says.
    assert sorted(found) == [1] + [days] * (len(tables) - 1)


@pytest.mark.parametrize("days", [0, 36])
def test_a_period_that_dynamodb_does_not_have_is_refused(days: int) -> None:
    with pytest.raises(StageSettingError, match="1 to 35"):
        recovery_period(days)


def test_no_function_keeps_more_ready_than_it_may_use() -> None:
    stage = json.loads((ROOT / "cdk.json").read_text())["context"]["stages"]["dev"] | {
        "provisioned": {"enroll_speaker": 5}
    }

    def read_stage(reserved: int) -> DeploymentStage:
        stages = {"dev": stage | {"reserved": {"enroll_speaker": reserved}}}
        values = {"stage": "dev", "release": "1f2e", "stages": stages}
        scope: Any = SimpleNamespace(node=SimpleNamespace(get_context=values.__getitem__))
        return DeploymentStage.of(scope)

    assert read_stage(5).provisioned == {"enroll_speaker": 5}
    with pytest.raises(StageSettingError, match="provisioned of enroll_speaker is 5, which is more than the 4"):
        read_stage(4)


def test_a_stage_has_a_ledger_unless_it_says_otherwise(variants: Path) -> None:
    stage = json.loads((ROOT / "cdk.json").read_text())["context"]["stages"]["dev"]

    def has_ledger(**settings: bool) -> bool:
        values = {"stage": "dev", "release": "1f2e", "stages": {"dev": stage | settings}}
        scope: Any = SimpleNamespace(node=SimpleNamespace(get_context=values.__getitem__))
        return DeploymentStage.of(scope).ledger

    assert (has_ledger(), has_ledger(ledger=True), has_ledger(ledger=False)) == (True, True, False)
    made = json.loads((variants / "guarded" / "Guarded.template.json").read_text())["Resources"].values()
    assert not [each for each in made if each["Type"] in {"AWS::Lambda::EventSourceMapping", "AWS::CloudWatch::Alarm"}]


def test_the_data_stack_exports_what_the_ledger_imports_whether_a_stage_has_one_or_not(variants: Path) -> None:
    used, always = (read(variants, name, "Data")["Outputs"] for name in ("true", "alone"))
    assert always
    for name, output in always.items():
        assert used[name] == output
    places = "ExportsOutputFnGetAttArchive", "ExportsOutputRefArchive", "ExportsOutputFnGetAttDecisions"
    of_ledger = {name for name in used if name.startswith(places) and ("Archive" in name or "Stream" in name)}
    assert set(always) == of_ledger


def test_erasures_are_on_record_for_longer_than_any_backup(variants: Path) -> None:
    buckets = properties(read(variants, "optional", "Data"), "S3::Bucket")
    rules = {rule["Id"]: rule for each in buckets for rule in each["LifecycleConfiguration"]["Rules"]}
    assert (rules["erasures"]["Prefix"], rules["erasures"]["ExpirationInDays"]) == ("erasures/", 36)


def test_there_is_no_custom_domain_unless_a_stage_says_so(variants: Path) -> None:
    template = read(variants, "true", "Service")
    assert not of(template, "ApiGateway::DomainName")
    assert not [name for name in template["Outputs"] if name.startswith("Custom")]


def test_a_custom_domain_leads_to_the_api_s_stage(variants: Path) -> None:
    template = read(variants, "optional", "Service")
    ((id_, domain),) = of(template, "ApiGateway::DomainName").items()
    assert domain["Properties"]["DomainName"] == CUSTOM_DOMAIN["name"]
    assert domain["Properties"]["RegionalCertificateArn"] == CUSTOM_DOMAIN["certificate"]
    assert domain["Properties"]["SecurityPolicy"] == "TLS_1_2"
    (mapping,) = properties(template, "ApiGateway::BasePathMapping")
    ((stage, _),) = of(template, "ApiGateway::Stage").items()
    assert (mapping["DomainName"], mapping["Stage"]) == ({"Ref": id_}, {"Ref": stage})
    # The paths of the contract come right after the name.
    assert not mapping.get("BasePath")


def test_a_custom_domain_names_the_target_of_its_dns_record(variants: Path) -> None:
    outputs = read(variants, "optional", "Service")["Outputs"]
    ((id_, _),) = of(read(variants, "optional", "Service"), "ApiGateway::DomainName").items()
    assert outputs["CustomUrl"]["Value"] == "https://voice.example.com"
    assert outputs["CustomDomainTarget"]["Value"] == {"Fn::GetAtt": [id_, "RegionalDomainName"]}
    assert outputs["CustomDomainZone"]["Value"] == {"Fn::GetAtt": [id_, "RegionalHostedZoneId"]}


def test_a_custom_domain_changes_nothing_else(variants: Path) -> None:
    before, after = (read(variants, name, "Service")["Resources"] for name in ("true", "optional"))
    added = {after[id_]["Type"] for id_ in after.keys() - before.keys()}
    assert before.keys() <= after.keys()
    assert added == {"AWS::ApiGateway::DomainName", "AWS::ApiGateway::BasePathMapping"}
