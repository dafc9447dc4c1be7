"""Resources of the synthesized templates."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.synthesis import ROOT, run_app
from tests.stacks.copies import copy_product

type Resources = dict[str, dict[str, Any]]
type OfKind = Callable[[str], Resources]

BUNDLE = ROOT / ".build/layers/model/bundle"
PLACES = {
    "DOMAIN_TABLE": "Tenants",
    "DECISION_TABLE": "Decisions",
    "IDEMPOTENCY_TABLE": "Idempotency",
    "SESSION_TABLE": "Sessions",
    "FINGERPRINT_TABLE": "Fingerprints",
    "CALL_TABLE": "Calls",
    "KEY_TABLE": "TemplateKeys",
    "TEMPLATE_KEY": "key",
    "TEMPLATE_FORM": "protected",
    "AUDIO_STREAM": "AudioStream",
    "STREAM_VERSION": "2",
    "FAILURE_BUCKET": "Failures",
    "AUDIO_BUCKET": "Audio",
    "ARCHIVE_BUCKET": "Archive",
    "ROOT_LOCK": "GOVERNANCE",
    "MODEL_TABLE": "Models",
    "MODEL_BUCKET": "ModelFiles",
    "BRAKE_KEPT_SECONDS": "15",
    "PROBE_DOMAIN": "bonafide-probe",
    "ACCESS_RULES": '{"stage": {}, "probers": []}',
    "QUOTA_RULES": '{"most": {"requests_per_second": 50, "burst": 100}, "default": null}',
    "SHADOW_SHARE": "0.05",
    "CALIBRATION_KEY": "key",
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


@pytest.fixture(scope="session")
def variants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Templates for production: of the product and of changed ones, and the errors about wrong settings."""
    out = tmp_path_factory.mktemp("variants")
    changed = out / "changed"
    copy_product(changed)
    with (changed / "layers/core/python/bonafide/errors.py").open("a") as source:
        source.write("# Another layer.\n")
    run_app(ROOT, out, "production", "-m", "tests.stacks.variants", str(out), str(changed))
    return out


def _reader(path: Path) -> OfKind:
    resources: Resources = json.loads(path.read_text())["Resources"]
    return lambda kind: {id_: each for id_, each in resources.items() if each["Type"] == kind}


def statements(policies: Resources) -> Iterator[dict[str, Any]]:
    for policy in policies.values():
        yield from policy["Properties"]["PolicyDocument"]["Statement"]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
