"""Writes the JSON Schema of the audio stream's events: `make openapi`."""

import json
from pathlib import Path

from bonafide.contracts.events import VERSION, schema

TARGET = Path(__file__).resolve().parents[2] / f"docs/contracts/stream-v{VERSION}.json"


def text() -> str:
    """Returns the published schema."""
    return json.dumps(schema(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
