"""Writes the table of metrics into docs/telemetry.md: `python -m local.contracts.telemetry`."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from ops.synthesis import ROOT

SOURCE = ROOT / "layers/core/python/bonafide/metrics.json"
TARGET = ROOT / "docs/telemetry.md"
PLACE = re.compile(r"(?<=<!-- metrics -->\n).*(?=<!-- /metrics -->)", re.DOTALL)


def table(source: Path = SOURCE) -> str:
    """Returns the table of metrics, one per line."""
    metrics = json.loads(source.read_text())["metrics"]
    lines = [
        f"| `{name}` | {each['unit']} | {_dimensions(each['by'])} | {each['means']} |" for name, each in metrics.items()
    ]
    return "\n".join(["| metric | unit | by | means |", "|---|---|---|---|", *lines, ""])


def _dimensions(sets: Sequence[Sequence[str]]) -> str:
    """Returns the sets of dimensions in words, without the stage, which is in all."""
    return "; ".join(" and ".join(name for name in each if name != "stage") for each in sets)


def text() -> str:
    """Returns the document with the current table."""
    return PLACE.sub(lambda _: table(), TARGET.read_text())


if __name__ == "__main__":
    TARGET.write_text(text())
