"""The smoke test: it says what a deployment does, and leaves nothing behind."""

import pytest

from local.runner import Deployment
from local.smoke import smoke


def domains(bonafide: Deployment) -> int:
    table = bonafide.functions["manage_domains"].definition.environment["BONAFIDE_TENANT_TABLE"]
    return len(bonafide.emulator.client("dynamodb").scan(TableName=table)["Items"])


def test_a_deployment_that_decides_passes_and_has_no_domain_more_than_before(
    bonafide: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    before = domains(bonafide)
    assert smoke(bonafide.endpoint) == 0, capsys.readouterr().out
    assert domains(bonafide) == before
    assert "4 of 4" in capsys.readouterr().out
