"""The smoke test: it says what a deployment does, and leaves nothing behind."""

import pytest

from local.runner import Deployment
from ops.smoke import smoke


def of_smoke_tests(bonafide: Deployment) -> list[str]:
    """Their domains; those of others, like the probes' on their schedule, come when they like."""
    table = bonafide.functions["manage_domains"].definition.environment["BONAFIDE_DOMAIN_TABLE"]
    items = bonafide.emulator.client("dynamodb").scan(TableName=table)["Items"]
    return [name for item in items if (name := item["domain"]["S"]).startswith("bonafide-probe-smoke-")]


def test_a_deployment_that_decides_passes_and_keeps_no_domain(
    bonafide: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert smoke(bonafide.endpoint) == 0, capsys.readouterr().out
    assert of_smoke_tests(bonafide) == []
    assert "4 of 4" in capsys.readouterr().out
