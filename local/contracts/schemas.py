"""Writes the JSON Schemas of events, those of the audio stream and those on the account's bus: `make openapi`."""

import json
from pathlib import Path

from bonafide.contracts.events import VERSIONS, schema
from bonafide.contracts.published import decisions

FOLDER = Path(__file__).resolve().parents[2] / "docs/contracts"
DECISION_MADE = FOLDER / "decision-made-v1.json"


def target(version: int) -> Path:
    """Returns the file of a version."""
    return FOLDER / f"stream-v{version}.json"


def text(version: int) -> str:
    """Returns the schema of a version, as published."""
    return json.dumps(schema(version), indent=1, sort_keys=True) + "\n"


def decision_made() -> str:
    """Returns the schema of the event that a decision was made, as published."""
    return json.dumps(decisions.schema(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    for each in VERSIONS:
        target(each).write_text(text(each))
    DECISION_MADE.write_text(decision_made())
