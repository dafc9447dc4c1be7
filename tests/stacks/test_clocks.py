"""The page for counsel says what the template does, and names tests that exist."""

import re
from typing import Any

from stacks.data import ERASURE_DAYS
from tests.stacks.conftest import OfKind
from tests.test_architecture import ROOT
from tests.test_failure_modes import existing

PAGE = ROOT / "docs/operations/duties.md"


def rules() -> set[str]:
    return set(re.findall(r"\| `([A-Za-z_]+ \w+)` \|$", PAGE.read_text(), re.MULTILINE))


def test_every_clock_of_the_template_is_in_the_table_of_clocks(data: OfKind) -> None:
    assert rules() == {*_expirations(data("AWS::DynamoDB::Table")), *_lifecycles(data("AWS::S3::Bucket"))}
    assert f"erasures {ERASURE_DAYS}" in rules()


def test_every_duty_names_a_test_that_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
    assert len(named) > 10
    assert named - existing() == set()


def _expirations(tables: dict[str, Any]) -> set[str]:
    found = {id_: each["Properties"].get("TimeToLiveSpecification") for id_, each in tables.items()}
    return {f"{id_[:-8]} {each['AttributeName']}" for id_, each in found.items() if each}


def _lifecycles(buckets: dict[str, Any]) -> set[str]:
    every = [rule for each in buckets.values() for rule in each["Properties"]["LifecycleConfiguration"]["Rules"]]
    return {f"{rule['Id']} {rule['ExpirationInDays']}" for rule in every if "ExpirationInDays" in rule}
