"""Which bundles a stage serves, and when former voiceprints may be removed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.aws.emulator import Emulator, emulator
from ops.migration.releases import DIGEST, NotReadyError, ServedBundles

OLD, NEW = "a" * 64, "b" * 64


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    with emulator(folder, folder / "log") as running:
        yield running


def template(digest: str) -> str:
    code = {"ZipFile": f"def handler(event, context): return '{digest}'"}
    function = {
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::123456789012:role/r",
        "Code": code,
        "Environment": {"Variables": {DIGEST: digest}},
    }
    return json.dumps(
        {"Resources": {"EnrollSpeakerFunction9F739D73": {"Type": "AWS::Lambda::Function", "Properties": function}}}
    )


def test_the_bundles_of_a_stage_are_read_from_the_versions_that_answer_and_the_one_before(aws: Emulator) -> None:
    formation, client = aws.client("cloudformation"), aws.client("lambda")
    formation.create_stack(StackName="Bonafide-dev-Service", TemplateBody=template(OLD))
    formation.get_waiter("stack_create_complete").wait(StackName="Bonafide-dev-Service", WaiterConfig={"Delay": 0.1})
    (listed,) = formation.list_stack_resources(StackName="Bonafide-dev-Service")["StackResourceSummaries"]
    name = listed["PhysicalResourceId"]
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert ServedBundles.read("dev", aws.client) == ServedBundles((OLD,), None)
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {DIGEST: NEW}})
    client.publish_version(FunctionName=name)
    route(client, name, "1", {"2": 0.1})
    assert ServedBundles.read("dev", aws.client) == ServedBundles((OLD, NEW), None)
    route(client, name, "2", {})
    assert ServedBundles.read("dev", aws.client) == ServedBundles((NEW,), OLD)


def route(client: Any, name: str, version: str, weights: dict[str, float]) -> None:
    routing: Any = {"AdditionalVersionWeights": weights}
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=version, RoutingConfig=routing)


@pytest.mark.parametrize("served", [ServedBundles((NEW,), OLD), ServedBundles((OLD, NEW), None)])
def test_a_bundle_that_answers_anybody_may_migrate(served: ServedBundles) -> None:
    served.require_live(NEW)


def test_a_bundle_that_is_not_deployed_may_not() -> None:
    with pytest.raises(NotReadyError, match="the stage serves aaaaaaaaaaaa"):
        ServedBundles((OLD,), NEW).require_live(NEW)


@pytest.mark.parametrize(
    ("served", "reason"),
    [
        (ServedBundles((NEW,), OLD), "a rollback to it needs the former voiceprints"),
        (ServedBundles((OLD, NEW), None), "shifting traffic"),
        (ServedBundles((OLD,), NEW), "build that one"),
    ],
)
def test_former_voiceprints_stay_as_long_as_a_rollback_could_need_them(served: ServedBundles, reason: str) -> None:
    with pytest.raises(NotReadyError, match=reason):
        served.require_settled(NEW)


@pytest.mark.parametrize("before", [NEW, None])
def test_they_may_be_removed_once_the_release_before_has_the_same_bundle(before: str | None) -> None:
    ServedBundles((NEW,), before).require_settled(NEW)
