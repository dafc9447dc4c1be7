"""Writes the OpenAPI document of the functions' routes: `make openapi`."""

import hashlib
import importlib
import json
import os
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler.openapi.merge import OpenAPIMerge

from bonafide import __version__
from bonafide.http.app import OCTETS

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "layers/core/python/bonafide/openapi.json"
# Handlers read settings at start as in AWS; none of these resources is accessed.
SETTINGS = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "BONAFIDE_DOMAIN_TABLE": "domains",
    "BONAFIDE_DECISION_TABLE": "decisions",
    "BONAFIDE_IDEMPOTENCY_TABLE": "idempotency",
    "BONAFIDE_AUDIO_BUCKET": "audio",
    "BONAFIDE_SESSION_TABLE": "sessions",
    "BONAFIDE_FINGERPRINT_TABLE": "fingerprints",
    "BONAFIDE_CALL_TABLE": "calls",
    "BONAFIDE_KEY_TABLE": "keys",
    "BONAFIDE_TEMPLATE_KEY": "arn:aws:kms:eu-west-1:123456789012:key/data",
    "BONAFIDE_TEMPLATE_FORM": "protected",
    "BONAFIDE_AUDIO_STREAM": "audio",
    "BONAFIDE_STREAM_VERSION": "2",
    "BONAFIDE_FAILURE_BUCKET": "failures",
    "BONAFIDE_MODEL_TABLE": "models",
    "BONAFIDE_MODEL_BUCKET": "models",
    "BONAFIDE_BRAKE_KEPT_SECONDS": "15",
    "BONAFIDE_SHADOW_SHARE": "0",
    "BONAFIDE_PROBE_DOMAIN": "bonafide-probe",
    "BONAFIDE_ACCESS_RULES": '{"stage": {}, "probers": []}',
    "BONAFIDE_QUOTA_RULES": '{"most": {"requests_per_second": 50, "burst": 100}, "default": null}',
    "BONAFIDE_CALIBRATION_KEY": "arn:aws:kms:eu-west-1:123456789012:key/data",
    "BONAFIDE_STAGE": "local",
    "BONAFIDE_BUNDLE_DIR": str(ROOT / ".build/layers/model/bundle"),
    "POWERTOOLS_TRACE_DISABLED": "true",
}


def generate() -> dict[str, Any]:
    """Merges the routes of every function into one OpenAPI document."""
    os.environ.update(SETTINGS)
    os.environ.setdefault("BONAFIDE_BUNDLE_DIGEST", _digest())
    merge = OpenAPIMerge(
        title="Bonafide",
        version=__version__,
        summary="Is this the enrolled person, and what to do next?",
        description="Voice authentication as a risk signal with a decision. Requests are signed with AWS IAM (SigV4).",
        on_conflict="error",
    )
    for handler in sorted((ROOT / "functions").glob("*/handler.py")):
        if "create_app" not in handler.read_text():
            continue  # it serves no routes, and may need further settings
        module: Any = importlib.import_module(f"functions.{handler.parent.name}.handler")
        merge.add_schema(module.app.get_openapi_schema().model_dump(by_alias=True, exclude_none=True, mode="json"))
    return _served(merge.get_openapi_schema())


def _served(document: dict[str, Any]) -> dict[str, Any]:
    """Adds the servers, the bytes of chunks, and the signature that every route but the health check requires."""
    chunk = document["paths"]["/v1/domains/{domain}/sessions/{session}/audio/{n}"]["put"]["requestBody"]
    chunk["content"][OCTETS] = {"schema": {"type": "string", "format": "binary", "title": "The chunk's bytes"}}
    document["components"]["securitySchemes"] = {
        "sigv4": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "description": "AWS Signature Version 4, service `execute-api`.",
            "x-amazon-apigateway-authtype": "awsSigv4",
        }
    }
    document["security"] = [{"sigv4": []}]
    # Relative to the document and its page: the path above the version depends on the deployment.
    document["servers"] = [{"url": ".."}]
    document["paths"]["/v1/health"]["get"]["security"] = []
    return document


def _digest() -> str:
    return hashlib.sha256((ROOT / ".build/layers/model/bundle/manifest.json").read_bytes()).hexdigest()


if __name__ == "__main__":
    TARGET.write_text(json.dumps(generate(), indent=1, sort_keys=True) + "\n")
