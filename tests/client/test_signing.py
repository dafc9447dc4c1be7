import builtins
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from bonafide_client import MissingCredentials, Unsigned
from bonafide_client.signing import signer_for

AWS = "https://abc123.execute-api.eu-west-1.amazonaws.com/dev"
PATH = "/v1/domains/acme"
KEYS = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")]


def credentials(monkeypatch: pytest.MonkeyPatch, pairs: Sequence[tuple[str, str]]) -> None:
    for name, value in pairs:
        monkeypatch.setenv(name, value)


def test_requests_to_an_api_on_aws_are_signed_for_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials(monkeypatch, KEYS)
    headers = signer_for(AWS).sign("PUT", f"{AWS}{PATH}", b"{}", {"Idempotency-Key": "k"})
    assert "AKIDEXAMPLE/" in headers["Authorization"]
    assert "/eu-west-1/execute-api/aws4_request" in headers["Authorization"]
    assert headers["Idempotency-Key"] == "k"


def test_requests_to_any_other_endpoint_are_not_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials(monkeypatch, KEYS)
    signer = signer_for("http://127.0.0.1:8000/dev")
    assert isinstance(signer, Unsigned)
    assert signer.sign("PUT", "http://127.0.0.1", b"", {"a": "b"}) == {"a": "b"}


def test_requests_to_any_other_endpoint_are_signed_for_a_region_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    credentials(monkeypatch, [*KEYS, ("BONAFIDE_SIGNING_REGION", "eu-central-1")])
    headers = signer_for("https://voice.example.com").sign("GET", "https://voice.example.com/v1/models", b"", {})
    assert "/eu-central-1/execute-api/aws4_request" in headers["Authorization"]


def test_an_api_on_aws_is_not_called_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (*((name, "") for name, _ in KEYS), ("AWS_EC2_METADATA_DISABLED", "true")):
        monkeypatch.setenv(name, value)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    with pytest.raises(MissingCredentials, match="no AWS credentials"):
        signer_for(AWS)


def test_without_botocore_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    actual = builtins.__import__

    def missing(name: str, *given: Any) -> Any:
        if name.startswith("botocore"):
            raise ImportError(name)
        return actual(name, *given)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingCredentials, match=r"bonafide-client\[aws\]"):
        signer_for(AWS)


def test_the_package_itself_needs_urllib3_only() -> None:
    program = "import sys, bonafide_client; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "urllib3" in loaded
    assert not {"botocore", "boto3", "miniaudio", "numpy", "pydantic", "bonafide"} & set(loaded)
