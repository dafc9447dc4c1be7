"""Aliases back to the versions before the last update, and to those again, on a stack of an emulator."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.aws.emulator import Emulator, emulator
from ops import aliases
from ops.aliases import PublishedVersion, StackResource, released

STACK = "Bonafide-dev-Service"
BEGUN = datetime(2026, 1, 31, 12, tzinfo=UTC)


def resource(kind: str, name: str, minutes: int) -> StackResource:
    return StackResource(f"AWS::Lambda::{kind}", name, BEGUN + timedelta(minutes=minutes))


def template(version: int) -> str:
    function = {"Runtime": "python3.12", "Handler": "index.handler", "Role": "arn:aws:iam::123456789012:role/r"}
    code = {"ZipFile": f"def handler(event, context): return {version}"}
    alias = {
        "Name": "live",
        "FunctionName": {"Ref": "F"},
        "FunctionVersion": {"Fn::GetAtt": [f"V{version}", "Version"]},
    }
    resources: dict[str, Any] = {
        "F": {"Type": "AWS::Lambda::Function", "Properties": {**function, "Code": code}},
        f"V{version}": {
            "Type": "AWS::Lambda::Version",
            "DeletionPolicy": "Retain",
            "Properties": {"FunctionName": {"Ref": "F"}},
        },
        "A": {"Type": "AWS::Lambda::Alias", "Properties": alias},
    }
    return json.dumps({"Resources": resources})


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    with emulator(folder, folder / "log") as running:
        yield running


@pytest.fixture
def current(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The version that the alias points at, in a stack that was updated once."""
    monkeypatch.setattr("boto3.client", aws.client)
    formation = aws.client("cloudformation")
    formation.create_stack(StackName=STACK, TemplateBody=template(1))
    formation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 0.1})
    formation.update_stack(StackName=STACK, TemplateBody=template(2))
    formation.get_waiter("stack_update_complete").wait(StackName=STACK, WaiterConfig={"Delay": 0.1})
    (function,) = [each.name for each in aliases.read_stack(STACK)[1] if each.kind.endswith("Function")]
    yield lambda: aws.client("lambda").get_alias(FunctionName=function, Name="live")["FunctionVersion"]
    formation.delete_stack(StackName=STACK)
    formation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 0.1})


def test_an_alias_goes_back_by_one_version_however_often_it_is_asked_to(
    current: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["aliases", "--stage", "dev", "--to", "previous"])
    assert current() == "2"
    assert aliases.main() == 0
    assert current() == "1"
    assert aliases.main() == 0
    assert current() == "1"
    assert "2 -> 1" in capsys.readouterr().out
    # As the next deployment needs it.
    monkeypatch.setattr("sys.argv", ["aliases", "--stage", "dev", "--to", "deployed"])
    assert aliases.main() == 0
    assert current() == "2"


def test_aliases_are_not_moved_while_cloudformation_moves_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class Formation:
        def describe_stacks(self, **_: Any) -> dict[str, Any]:
            return {"Stacks": [{"StackStatus": "UPDATE_IN_PROGRESS"}]}

    monkeypatch.setattr("boto3.client", lambda _: Formation())
    with pytest.raises(aliases.UnderWayError, match="make rollback"):
        aliases.move_all("dev", deployed=False)


def test_where_there_is_no_version_before_the_alias_stays_and_the_command_fails(aws: Emulator) -> None:
    client = aws.client("lambda")
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    client.create_function(
        FunctionName="first",
        Runtime="python3.12",
        Handler="index.handler",
        Role="arn:aws:iam::123456789012:role/r",
        Code={"ZipFile": empty.getvalue()},
        Publish=True,
    )
    client.create_alias(FunctionName="first", Name="live", FunctionVersion="1")
    assert not aliases.move_back(client, PublishedVersion("first", 1, "live"))


def test_only_what_the_last_update_made_goes_back_and_the_last_moved_alias_first() -> None:
    resources = [
        resource("Alias", "arn:reader:live", 10),
        resource("Version", "arn:reader:4", 1),
        resource("Alias", "arn:door:live", 30),
        resource("Version", "arn:door:7", 1),
        resource("Alias", "arn:untouched:live", -900),
        resource("Version", "arn:untouched:2", -900),
    ]
    assert released(resources, BEGUN) == [
        PublishedVersion("arn:door", 7, "live"),
        PublishedVersion("arn:reader", 4, "live"),
    ]
