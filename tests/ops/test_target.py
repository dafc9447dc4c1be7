"""The API that the commands call."""

from types import SimpleNamespace
from typing import Any

import pytest

from ops import target

URL = "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/dev/"


def outputs(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    stacks: Any = [{"Outputs": [{"OutputValue": value} for value in values]}]
    client = SimpleNamespace(describe_stacks=lambda **_: {"Stacks": stacks})
    monkeypatch.setattr("ops.target.boto3.client", lambda _: client)


def test_a_stage_is_called_at_its_own_url_not_at_the_target_of_a_custom_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs(monkeypatch, "https://voice.example.com", "d-1.execute-api.eu-west-1.amazonaws.com", URL)
    assert target.endpoint_of("dev") == URL.rstrip("/")


def test_a_stage_without_an_api_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs(monkeypatch, "https://voice.example.com")
    with pytest.raises(target.NotDeployedError, match="Bonafide-dev-Service"):
        target.endpoint_of("dev")
