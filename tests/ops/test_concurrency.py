"""Whether an account can reserve the concurrency of a stage, before a deployment tries to."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops import concurrency
from ops.concurrency import Concurrency

WANTED = {"AuthenticateCaller": 200, "ScoreAudio": 32}


@pytest.mark.parametrize(
    ("limit", "others", "fits"), [(1000, 0, True), (332, 0, True), (331, 0, False), (1000, 669, False), (10, 0, False)]
)
def test_at_least_a_hundred_stay_unreserved(limit: int, others: int, fits: bool) -> None:
    assert (Concurrency(limit, others, WANTED).problem("production") is None) is fits


def test_what_is_kept_ready_without_a_reservation_counts_too() -> None:
    assert Concurrency(332, 0, WANTED, {"IngestAudio": 1}).problem("production")
    problem = Concurrency(104, 0, {}, {"IngestAudio": 5}).problem("production")
    assert problem
    assert "keeps 5 more ready" in problem
    assert "raised to 105" in problem


def test_only_functions_without_a_reservation_are_kept_ready_from_what_is_unreserved() -> None:
    functions = {
        "Reserved": {"Type": concurrency.FUNCTION, "Properties": {"ReservedConcurrentExecutions": 10}},
        "Free": {"Type": concurrency.FUNCTION, "Properties": {}},
        "Cold": {"Type": concurrency.FUNCTION, "Properties": {}},
    }
    kept: dict[str, Any] = {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 4}}
    aliases = {
        f"{id_}Alias": {
            "Type": concurrency.ALIAS,
            "Properties": {"FunctionName": {"Ref": id_}, **({} if id_ == "Cold" else kept)},
        }
        for id_ in functions
    }
    assert concurrency.ready({"Resources": {**functions, **aliases}}) == {"Free": 4}


def test_a_stage_that_reserves_nothing_fits_every_account() -> None:
    assert Concurrency(10, 0, {}).problem("dev") is None


def test_the_message_says_what_to_ask_for() -> None:
    problem = Concurrency(300, 50, WANTED).problem("production")
    assert problem
    assert "of the account's 300, 50 are reserved by others, and 18 would stay unreserved" in problem
    assert "raised to 382" in problem


class Account:
    """Answers like Lambda and CloudFormation in an account with 1,000 concurrent executions."""

    def __init__(self, *, unreserved: int, deployed: dict[str, int] | None) -> None:
        self._unreserved = unreserved
        self._deployed = deployed

    def get_account_settings(self) -> Any:
        return {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": self._unreserved}}

    def get_function_concurrency(self, *, FunctionName: str) -> Any:  # noqa: N803, boto3's name
        count = (self._deployed or {})[FunctionName]
        return {"ReservedConcurrentExecutions": count} if count else {}

    def get_paginator(self, _: str) -> "Account":
        return self

    def paginate(self, **_: Any) -> list[Any]:
        if self._deployed is None:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "ListStackResources")
        resources = [{"PhysicalResourceId": name, "ResourceType": concurrency.FUNCTION} for name in self._deployed]
        return [{"StackResourceSummaries": [*resources, {"PhysicalResourceId": "r", "ResourceType": "AWS::IAM::Role"}]}]


def check(account: Account, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    functions = {
        id_: {"Type": concurrency.FUNCTION, "Properties": {"ReservedConcurrentExecutions": count}}
        for id_, count in WANTED.items()
    }
    template = {"Resources": {**functions, "Other": {"Type": concurrency.FUNCTION, "Properties": {}}, "Bare": {}}}
    (folder / "Bonafide-production-Service.template.json").write_text(json.dumps(template))
    monkeypatch.setattr("boto3.client", lambda _: account)
    monkeypatch.setattr(sys, "argv", ["concurrency", "--stage", "production", "--assembly", str(folder)])
    concurrency.main()


def test_what_the_stage_reserves_already_is_not_counted_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(Account(unreserved=200, deployed={"f-1": 600, "f-2": 200, "f-3": 0}), tmp_path, monkeypatch)


def test_a_first_deployment_that_fits_is_let_through_and_another_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(Account(unreserved=1000, deployed=None), tmp_path, monkeypatch)
    with pytest.raises(SystemExit, match="reserves 232 concurrent executions"):
        check(Account(unreserved=300, deployed=None), tmp_path, monkeypatch)
