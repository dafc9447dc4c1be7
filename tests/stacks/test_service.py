import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bonafide.adapters.ledger.personal import LIFETIME_ATTRIBUTES
from ops.synthesis import ROOT, run_app
from tests.hosted import HOSTED
from tests.stacks.conftest import OfKind, Resources, as_list, statements
from tests.stacks.copies import copy_product

# Findings of cdk-nag that are intended, and the reasons.
INTENDED = {
    "APIG2": "bodies are checked by the functions, which answer with the contract's own codes",
    "APIG3": "a firewall is the deployer's choice; callers sign their requests",
    "APIG4": "the health check is public",
    "APIG6": "execution logs would hold recordings; access logs are kept",
    "COG4": "callers are services with IAM roles, not people in a user pool",
    "KDS3": "the stream carries voices, so it is encrypted with the own key like everything else",
    "IAM4": "API Gateway's role for logs and CodeDeploy's role are AWS's own policies for these services",
    "IAM5": "objects of one prefix, data keys of one key, versions of a function, routes of one API, X-Ray, CodeDeploy",
    "L1": "the lock is made for Python 3.12, and moves when its wheels do",
    "S1": "objects are written and read by these functions only, which log; the table of decisions is the record",
}

FUNCTION = "AWS::Lambda::Function"


@pytest.fixture
def functions(service: OfKind) -> Resources:
    return service(FUNCTION)


def test_there_is_one_function_per_folder(functions: Resources) -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    names = {each["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] for each in functions.values()}
    assert names == folders


def test_each_function_is_called_through_its_alias(service: OfKind, functions: Resources) -> None:
    aliases = service("AWS::Lambda::Alias")
    names = {
        id_: each["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        for id_, each in functions.items()
    }
    aliased = {names[alias["Properties"]["FunctionName"]["Ref"]] for alias in aliases.values()}
    # Callers reach no probe; CodeDeploy calls its hook by the function's name.
    ledger = {"archive_decisions", "seal_ledger"}
    on_schedules = {"compare_speakers", "probe_service", "shadow_challenger", "watch_drift"}
    assert aliased == set(names.values()) - {"probe_release", *on_schedules, *ledger}
    assert {alias["Properties"]["Name"] for alias in aliases.values()} == {"live"}
    for method in service("AWS::ApiGateway::Method").values():
        target = method["Properties"]["Integration"]["Uri"]["Fn::Join"][1]
        assert [part["Ref"] for part in target if isinstance(part, dict) and part["Ref"] in aliases]


def test_only_aliases_may_be_invoked(service: OfKind) -> None:
    permissions = service("AWS::Lambda::Permission").values()
    # A permission names an alias, or the ARN of the synthetic caller itself, which only its schedule calls.
    invoked = {each["Properties"]["FunctionName"].get("Ref", "ProbeService") for each in permissions}
    assert invoked <= {*service("AWS::Lambda::Alias"), "ProbeService"}


def test_each_function_has_a_role_of_its_own(functions: Resources) -> None:
    roles = {each["Properties"]["Role"]["Fn::GetAtt"][0] for each in functions.values()}
    assert len(roles) == len(functions)


def test_no_permission_is_for_everything(service: OfKind) -> None:
    for statement in statements(service("AWS::IAM::Policy")):
        if "*" in as_list(statement["Resource"]):
            # X-Ray, CodeDeploy for the calls of a hook, and a list of streams have no resource-level permissions.
            found = set(as_list(statement["Action"])) - {"dynamodb:ListStreams"}
            assert {action.partition(":")[0] for action in found} <= {"xray", "codedeploy"}
        assert not {"*", "dynamodb:*", "s3:*", "kms:*", "dynamodb:Scan"} & set(as_list(statement["Action"]))


def test_a_function_without_state_has_no_access_to_state(service: OfKind) -> None:
    policies = {id_: each for id_, each in service("AWS::IAM::Policy").items() if id_.startswith("DescribeService")}
    services = {action.partition(":")[0] for each in statements(policies) for action in as_list(each["Action"])}
    assert services == {"logs", "xray"}


def test_authentication_cannot_change_a_voiceprint(service: OfKind) -> None:
    policies = {id_: each for id_, each in service("AWS::IAM::Policy").items() if id_.startswith("AuthenticateCaller")}
    statements_of_domains = [each for each in statements(policies) if "Tenants" in json.dumps(each["Resource"])]
    everywhere = {
        action for each in statements_of_domains if "Condition" not in each for action in as_list(each["Action"])
    }
    assert everywhere == {"dynamodb:BatchGetItem", "dynamodb:GetItem"}
    limited = {
        json.dumps(each["Condition"]): set(as_list(each["Action"]))
        for each in statements_of_domains
        if "Condition" in each
    }
    of_watchlists = json.dumps({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["watchlist#*"]}})
    assert limited.pop(of_watchlists) == {"dynamodb:Query"}
    assert [*limited] == [json.dumps({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["attempts#*"]}})]


def test_each_index_is_read_by_the_functions_that_list_its_items(service: OfKind) -> None:
    policies = service("AWS::IAM::Policy").items()
    written = [(id_.partition("Role")[0], json.dumps(each)) for id_, each in policies]
    readers = [(function, index) for function, text in written for index in re.findall(r"/index/([^\"]*)", text)]
    assert sorted(readers) == [
        ("ArchiveDecisions", "by_time"),
        ("ArchiveDecisions", "domains"),
        *[("CloseSessions", "by_speaker")] * 4,
        ("CloseSessions", "by_time"),
        ("CloseSessions", "domains"),
        ("CloseSessions", "due"),
        ("CloseSessions", "speakers"),
        ("CompareSpeakers", "domains"),
        ("CompareSpeakers", "speakers"),
        ("ManagePolicies", "by_time"),
        *[("ManageSpeakers", "by_speaker")] * 2,
        ("ManageSpeakers", "by_time"),
        ("ManageSpeakers", "speakers"),
        ("ReadDecisions", "by_time"),
        ("ReadDecisions", "labeled"),
        ("WatchDrift", "by_time"),
        ("WatchDrift", "domains"),
    ]


def test_functions_are_traced_and_their_logs_expire(service: OfKind, functions: Resources) -> None:
    groups = service("AWS::Logs::LogGroup")
    for function in functions.values():
        assert function["Properties"]["TracingConfig"] == {"Mode": "Active"}
        assert groups[function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]]["Properties"]["RetentionInDays"]


def test_no_function_works_longer_than_somebody_listens(service: OfKind, functions: Resources) -> None:
    timeouts = {
        each["Properties"]["Integration"]["TimeoutInMillis"] for each in service("AWS::ApiGateway::Method").values()
    }
    assert timeouts == {29_000}
    unheard = ("Probe", "CompareSpeakers", "WatchDrift", "ShadowChallenger", "ArchiveDecisions", "SealLedger")
    answering = {id_: each for id_, each in functions.items() if not id_.startswith(unheard)}
    assert all(each["Properties"]["Timeout"] <= 29 for each in answering.values())


def test_a_new_bundle_is_a_new_version_of_the_functions(functions: Resources) -> None:
    digest = hashlib.sha256((ROOT / ".build/layers/model/bundle/manifest.json").read_bytes()).hexdigest()
    variables = [each["Properties"]["Environment"]["Variables"] for each in functions.values()]
    digests = {
        each["POWERTOOLS_SERVICE_NAME"]: each["BONAFIDE_BUNDLE_DIGEST"]
        for each in variables
        if "BONAFIDE_BUNDLE_DIR" in each
    }
    scoring = {"authenticate_caller", "enroll_speaker", "manage_watchlists", "score_audio"}
    judging = {"manage_sessions", "close_sessions"}
    assert digests == dict.fromkeys(scoring | judging, digest)


def test_a_new_layer_is_a_new_version_of_the_functions() -> None:
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    assert context["@aws-cdk/aws-lambda:recognizeLayerVersion"] is True


def test_callers_are_throttled_and_bodies_are_not_logged(service: OfKind) -> None:
    (stage,) = service("AWS::ApiGateway::Stage").values()
    settings, *routes = stage["Properties"]["MethodSettings"]
    assert (settings["HttpMethod"], settings["ResourcePath"]) == ("*", "/*")
    assert settings["ThrottlingRateLimit"] > 0
    assert not any(each.get("DataTraceEnabled") for each in (settings, *routes))
    # Metrics of each method are billed as custom ones.
    assert not any(each.get("MetricsEnabled") for each in (settings, *routes))
    # The path names the speaker; the route does not.
    assert "$context.path" not in stage["Properties"]["AccessLogSetting"]["Format"]


def test_what_needs_no_signature_has_a_low_limit_of_its_own(service: OfKind) -> None:
    (stage,) = service("AWS::ApiGateway::Stage").values()
    every, *routes = stage["Properties"]["MethodSettings"]
    resources = service("AWS::ApiGateway::Resource")
    unsigned = [
        each
        for each in service("AWS::ApiGateway::Method").values()
        if each["Properties"]["AuthorizationType"] == "NONE"
    ]
    parts = {resources[each["Properties"]["ResourceId"]["Ref"]]["Properties"]["PathPart"] for each in unsigned}
    assert {each["ResourcePath"].rpartition("~1")[2] for each in routes} == parts
    assert all(0 < each["ThrottlingRateLimit"] <= every["ThrottlingRateLimit"] / 10 for each in routes)
    assert all(each["ThrottlingBurstLimit"] < every["ThrottlingBurstLimit"] for each in routes)


def test_what_the_api_refuses_by_itself_is_a_problem_document(service: OfKind) -> None:
    responses = service("AWS::ApiGateway::GatewayResponse").values()
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= {each["Properties"]["ResponseType"] for each in responses}
    for response in responses:
        template = response["Properties"]["ResponseTemplates"]["application/problem+json"]
        problem = json.loads(template.replace("$context.error.messageString", '"message"'))
        assert {"type", "title", "code", "detail"} <= set(problem)


@pytest.fixture(scope="module")
def with_compiled_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another assembly, of a copy of the product with compiled files, and checked by cdk-nag."""
    folder = tmp_path_factory.mktemp("compiled")
    copy, out = folder / "copy", folder / "assembly"
    copy_product(copy)
    for package in ("layers/core/python/bonafide", "functions/score_audio"):
        litter = copy / package / "__pycache__/litter.pyc"
        litter.parent.mkdir()
        litter.write_bytes(b"compiled")
    run_app(ROOT, out, "dev", "-m", "tests.stacks.nag", str(out), str(copy))
    return out


@HOSTED
def test_running_code_does_not_change_what_is_deployed(assembly: Path, with_compiled_files: Path) -> None:
    name = "Bonafide-dev-Service.template.json"
    assert (with_compiled_files / name).read_bytes() == (assembly / name).read_bytes()


@HOSTED
def test_findings_of_cdk_nag_are_intended(with_compiled_files: Path) -> None:
    (report,) = json.loads((with_compiled_files / "validation-report.json").read_text())["pluginReports"]
    found = {each["ruleName"].partition("[")[0].removeprefix("AwsSolutions-") for each in report["violations"]}
    assert found == set(INTENDED)


@HOSTED
def test_cfn_lint_finds_nothing(assembly: Path, variants: Path) -> None:
    templates = [*sorted(map(str, assembly.glob("Bonafide-dev-*.template.json"))), "docs/operations/access.yaml"]
    templates.append(str(variants / "optional/Bonafide-production-Ml.template.json"))
    templates.append(str(variants / "guarded/Guarded.template.json"))
    # W3005: CDK writes dependencies that follow from references.
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--ignore-checks", "W3005", "--", *templates]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "")


def test_assets_hold_sources_only(assembly: Path) -> None:
    files = json.loads((assembly / "Bonafide-dev-Service.assets.json").read_text())["files"]
    for file in files.values():
        folder = assembly / file["source"]["path"]
        assert not list(folder.glob("python/bonafide/**/__pycache__"))


def test_everything_that_a_function_unpacks_is_below_200_mb(assembly: Path) -> None:
    files = json.loads((assembly / "Bonafide-dev-Service.assets.json").read_text())["files"]
    folders = [assembly / each["source"]["path"] for each in files.values() if each["source"]["packaging"] == "zip"]
    size = sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
    assert size < 200_000_000


def test_the_archive_is_told_of_added_decisions_only_and_reads_no_voiceprints(service: OfKind) -> None:
    mappings = [each["Properties"] for each in service("AWS::Lambda::EventSourceMapping").values()]
    (mapping,) = [each for each in mappings if "Decisions" in json.dumps(each["EventSourceArn"])]
    (wanted,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(wanted["Pattern"]) == {"eventName": ["INSERT"]}
    policies = {id_: each for id_, each in service("AWS::IAM::Policy").items() if id_.startswith("ArchiveDecisions")}
    (reading,) = [each for each in statements(policies) if "ForAllValues:StringEquals" in each.get("Condition", {})]
    assert as_list(reading["Action"]) == ["dynamodb:GetItem"]
    allowed = reading["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]
    assert set(allowed) == set(LIFETIME_ATTRIBUTES)


def test_a_ledger_that_is_late_fails_or_differs_makes_tickets(service: OfKind) -> None:
    alarms = {id_: each["Properties"] for id_, each in service("AWS::CloudWatch::Alarm").items() if id_[:6] == "Ledger"}
    watched = {
        each["AlarmName"].removeprefix("Bonafide-dev-"): set(re.findall(r'"MetricName": "(\w+)"', json.dumps(each)))
        for each in alarms.values()
    }
    assert watched == {
        "ledger-fails": {"Errors"},
        "archive-behind": {"IteratorAge"},
        "days-unsealed": {"DaysUnsealed"},
        "archive-differs": {"DecisionsReconciled", "DecisionsNotArchived", "RecordsNotSealed"},
    }
    assert all("tickets" in json.dumps(each["AlarmActions"]) for each in alarms.values())
