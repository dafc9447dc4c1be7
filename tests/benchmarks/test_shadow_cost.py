"""The most that the shadow can cost in a month follows from its bounds, and is what the docs say."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cost import PRICES
from bonafide.biometrics.session import MOST_CHUNKS
from bonafide.services.shadow import MOST_LISTED, MOST_READ
from bonafide.services.shared.shadow.offers import KNOWN_SECONDS, MOST_OFFERS
from ops.monitoring.shadow_page import MOST_USD_A_MONTH

MINUTES = 730 * 60
KEYS_OF_A_LIST = 1000
USD = {name: each["usd"] for name, each in json.loads(PRICES.read_text())["prices"].items()}
TEXT = Path("docs/operations/cost.md").read_text()


@pytest.fixture(scope="module")
def resources(assembly: Path) -> dict[str, dict[str, Any]]:
    template = json.loads((assembly / "Bonafide-dev-Service.template.json").read_text())
    found: dict[str, dict[str, Any]] = template["Resources"]
    return found


def of_kind(resources: dict[str, dict[str, Any]], kind: str, start: str) -> dict[str, Any]:
    (found,) = [each for id_, each in resources.items() if each["Type"] == kind and id_.startswith(start)]
    properties: dict[str, Any] = found["Properties"]
    return properties


def test_the_most_that_the_shadow_can_cost_stands_in_the_docs(resources: dict[str, dict[str, Any]]) -> None:
    function = of_kind(resources, "AWS::Lambda::Function", "ShadowChallenger")
    working = function["Timeout"] * function["MemorySize"] / 1024 * USD["lambda_gb_seconds"] + USD["lambda_requests"]
    # The challenger and the sweep list; one session is read to its end.
    listing = 2 * MOST_LISTED / KEYS_OF_A_LIST * USD["s3_puts"]
    reading = (MOST_READ + MOST_CHUNKS) * USD["s3_gets"] + MOST_LISTED * USD["dynamodb_reads"]
    writing = MOST_READ * USD["dynamodb_writes"]
    assert round(MINUTES * (working + listing + reading + writing)) == MOST_USD_A_MONTH
    assert f"at most {MOST_USD_A_MONTH} USD" in TEXT
    offered = MOST_OFFERS * 60 / KNOWN_SECONDS * USD["s3_puts"]
    assert f"{MINUTES * offered:.0f} USD for each environment" in TEXT


def test_a_minute_has_one_run_at_most(resources: dict[str, dict[str, Any]]) -> None:
    schedule = of_kind(resources, "AWS::Events::Rule", "ShadowEveryMinute")
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert of_kind(resources, "AWS::Lambda::Function", "ShadowChallenger")["Timeout"] < 60
    again = of_kind(resources, "AWS::Lambda::EventInvokeConfig", "ShadowChallenger")
    assert (again["MaximumRetryAttempts"], again["MaximumEventAgeInSeconds"]) == (0, 60)
    stages = json.loads(Path("cdk.json").read_text())["context"]["stages"]
    assert stages["production"]["reserved"]["shadow_challenger"] == 1
