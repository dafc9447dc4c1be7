"""Writes the JSON Schemas of the audio stream's events: `make openapi`."""

import json
from pathlib import Path

from bonafide.contracts.events import VERSIONS, schema

FOLDER = Path(__file__).resolve().parents[2] / "docs/contracts"


def target(version: int) -> Path:
    """Returns the file of a version."""
    return FOLDER / f"stream-v{version}.json"


def text(version: int) -> str:
    """Returns the schema of a version, as published."""
    return json.dumps(schema(version), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    for each in VERSIONS:
        target(each).write_text(text(each))
