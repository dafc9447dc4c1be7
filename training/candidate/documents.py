"""Puts together the documents that are registered with a candidate and never deployed.

python -m training.candidate.documents --lineage FOLDER --evaluation FOLDER --gates FOLDER --validation FOLDER
    --out FOLDER
"""

import argparse
import shutil
from pathlib import Path

# Documents of each stage, and the names that they get where two stages have one of the same.
TAKEN = {
    "lineage": {"data.csv": "data.csv", "parity.npz": "parity.npz"},
    "evaluation": {"evaluation.json": "evaluation.json", "*.png": ""},
    "gates": {"gates.json": "gates.json"},
    "validation": {"report.json": "validation.json"},
}


def main() -> None:
    """Copies them."""
    parser = argparse.ArgumentParser(description="Put the documents of a candidate together.")
    for name in (*TAKEN, "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = vars(parser.parse_args())
    out: Path = arguments["out"]
    out.mkdir(parents=True, exist_ok=True)
    for stage, taken in TAKEN.items():
        for pattern, name in taken.items():
            for path in sorted(arguments[stage].glob(pattern)):
                shutil.copyfile(path, out / (name or path.name))


if __name__ == "__main__":
    main()
