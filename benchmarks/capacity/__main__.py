"""Prints where the path saturates, and what to set: `python -m benchmarks.capacity [--calls N] [--write]`.

Nothing is deployed or measured: demand is computed from measured.json, the stream is simulated, and both are compared
with the limits that AWS documents, limits.json.
"""

import argparse
from pathlib import Path

from benchmarks.capacity.demand import Figures
from benchmarks.capacity.report import LOADS, blocks, written

GUIDE = Path(__file__).parents[2] / "docs" / "operations" / "capacity.md"


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Compute where the path saturates, and what to set in cdk.json.")
    parser.add_argument("--calls", type=int, help="concurrent calls; by default 100, 1,000 and 10,000")
    parser.add_argument("--write", action="store_true", help="write the tables into the guide")
    arguments = parser.parse_args()
    parts = blocks((arguments.calls,) if arguments.calls else LOADS, Figures.read())
    for name, text in parts.items():
        print(f"{name}:\n\n{text}\n")
    if arguments.write:
        GUIDE.write_text(written(GUIDE.read_text(), parts))


if __name__ == "__main__":
    main()
