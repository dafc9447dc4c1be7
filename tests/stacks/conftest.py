"""Resources of the synthesized templates."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.synthesis import ROOT

type Resources = dict[str, dict[str, Any]]
type OfKind = Callable[[str], Resources]

BUNDLE = ROOT / ".build/layers/model/bundle"
PLACES = {
    "DOMAIN_TABLE": "Tenants",
    "DECISION_TABLE": "Decisions",
    "IDEMPOTENCY_TABLE": "Idempotency",
    "SESSION_TABLE": "Sessions",
    "AUDIO_STREAM": "AudioStream",
    "STREAM_VERSION": "2",
    "FAILURE_BUCKET": "Failures",
    "AUDIO_BUCKET": "Audio",
    "STAGE": "dev",
    "BUNDLE_DIR": str(BUNDLE),
}


@pytest.fixture(scope="session")
def data(assembly: Path) -> OfKind:
    return _reader(assembly / "Bonafide-dev-Data.template.json")


@pytest.fixture(scope="session")
def service(assembly: Path) -> OfKind:
    return _reader(assembly / "Bonafide-dev-Service.template.json")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables with which every function that callers reach starts in this process."""
    digest = hashlib.sha256((BUNDLE / "manifest.json").read_bytes()).hexdigest()
    for name, value in {**PLACES, "BUNDLE_DIGEST": digest}.items():
        monkeypatch.setenv(f"BONAFIDE_{name}", value)
    credentials = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in credentials.items():
        monkeypatch.setenv(name, value)


def _reader(path: Path) -> OfKind:
    resources: Resources = json.loads(path.read_text())["Resources"]
    return lambda kind: {id_: each for id_, each in resources.items() if each["Type"] == kind}


def statements(policies: Resources) -> Iterator[dict[str, Any]]:
    for policy in policies.values():
        yield from policy["Properties"]["PolicyDocument"]["Statement"]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
