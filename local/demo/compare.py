"""Compares two reports of the demo: `python -m local.demo.compare BEFORE.json AFTER.json`.

Rows correspond by their position. Status, outcome, reasons, channel and speech have to be equal; LLRs, scores and
thresholds, of the speaker and of liveness, may differ by TOLERANCE.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

TOLERANCE = 1e-3
IDENTITY = ("domain", "action", "claimed", "spoke", "machine")
EQUAL = (*IDENTITY, "status", "outcome", "reasons", "held", "channel", "speech_seconds")
FIGURES = ("llr", "score", "threshold")

type ReportRow = Mapping[str, Any]


def main() -> int:
    """Prints each difference; returns 0 if there is none."""
    parser = argparse.ArgumentParser(prog="python -m local.demo.compare", description="Compare two demo reports.")
    parser.add_argument("before", type=Path, help="report.json of the earlier run")
    parser.add_argument("after", type=Path, help="report.json of the later run")
    arguments = parser.parse_args()
    before, after = (json.loads(path.read_text())["rows"] for path in (arguments.before, arguments.after))
    differing = {label: found for label, found in differences(before, after) if found}
    for label, found in differing.items():
        print(f"{label}: {'; '.join(found)}")
    rows = max(len(before), len(after))
    print(f"{len(differing)} of {rows} rows differ" if differing else f"equal: {rows} rows")
    # Two reports without rows show nothing.
    return 1 if differing or not rows else 0


def differences(before: Sequence[ReportRow], after: Sequence[ReportRow]) -> Iterator[tuple[str, list[str]]]:
    """Yields a label for each pair of rows, with its differences."""
    for number, (old, new) in enumerate(zip_longest(before, after), start=1):
        yield _label(number, old or new), list(_differing(old, new))


def _label(number: int, row: ReportRow) -> str:
    return f"row {number} ({row['kind']}, {row['spoke']} as {row['claimed']} in {row['domain']})"


def _differing(old: ReportRow | None, new: ReportRow | None) -> Iterator[str]:
    if old is None or new is None:
        yield "only in the later report" if old is None else "only in the earlier report"
        return
    for name in EQUAL:
        if old.get(name) != new.get(name):
            yield f"{name} {old.get(name)} -> {new.get(name)}"
    yield from _moved("speaker", old, new)
    before, after = (row.get("liveness") or {} for row in (old, new))
    if before.get("state") != after.get("state"):
        yield f"liveness state {before.get('state')} -> {after.get('state')}"
    yield from _moved("liveness", before, after)


def _moved(subject: str, old: ReportRow, new: ReportRow) -> Iterator[str]:
    for name in FIGURES:
        first, second = old.get(name), new.get(name)
        if not _close(first, second):
            yield f"{subject} {name} {first} -> {second}"


def _close(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is second
    return abs(first - second) <= TOLERANCE


if __name__ == "__main__":
    sys.exit(main())
