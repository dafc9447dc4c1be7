"""Checks data against what is expected of it, writes a report, and fails at a violation.

    python -m training.quality.validate --manifest corpus/manifest.csv [--calibration manifest.csv]
        [--expectations FILE] [--conf FILE] [--size FILE] --out FOLDER

`report.json` holds every violation and the counts, `index.html` shows them. Exit status: 0, or 1 with a violation; each
is named on stderr by row, column, what was found and what was expected.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.corpus.manifest import ManifestError, digest, read_table
from training.corpus.rows import CorpusRow, DataError, read
from training.corpus.split import CONF, configuration
from training.gates.criteria import GateCriteria
from training.gates.licence import LicenseRule
from training.quality import cues, rules
from training.quality.duplicates import duplicates
from training.quality.expectations import FILE, DataExpectations, DataViolation
from training.quality.page import write_page
from training.quality.traits import FileTraits, Wide, read_samples, traits_of

CALIBRATION_COLUMNS = ("path", "speaker", "source", "licence", "use")
MOST_SHOWN = 40


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """The result of a validation.

    Attributes:
        manifest: digest of it.
        expectations: their version.
        violations: all of them.
        rows: of the manifest.
        traits: of every file that could be read, by path.
        channels: bona fide and spoofed crops by channel.
    """

    manifest: str
    expectations: str
    violations: Sequence[DataViolation]
    rows: Sequence[CorpusRow]
    traits: Mapping[str, FileTraits]
    channels: Mapping[str, tuple[int, int]]

    def document(self) -> dict[str, Any]:
        """Returns the content of report.json."""
        counts = Counter((row.split, row.label, row.family) for row in self.rows)
        return {
            "schema": 1,
            "manifest": self.manifest,
            "expectations": self.expectations,
            "passed": not self.violations,
            "violations": [asdict(each) for each in self.violations],
            "rows": len(self.rows),
            "speakers": len({row.speaker for row in self.rows}),
            "hours": round(sum(row.seconds for row in self.rows) / 3600, 3),
            "counts": [
                {"split": key[0], "label": key[1], "family": key[2], "rows": counts[key]} for key in sorted(counts)
            ],
            "licenses": dict(sorted(Counter(row.licence for row in self.rows).items())),
            "channels": {name: {"bonafide": each[0], "spoof": each[1]} for name, each in self.channels.items()},
        }


def validate(
    manifest: Path, calibration: Path | None, expected: DataExpectations, conf: Mapping[str, Any]
) -> ValidationReport:
    """Reads every row and file and applies every rule.

    Raises:
        DataError: the manifest is not of this form.
    """
    rows = read(manifest)
    samples, violations = _samples(manifest.parent, rows)
    traits = {row.path: traits_of(samples[row.path], row.rate) for row in rows if row.path in samples}
    channels = cues.crops_by_channel(rows, conf)
    licence = LicenseRule.of(GateCriteria.read().licence)
    violations += rules.values(rows, expected.rows)
    violations += rules.licenses([(row.path, row.licence) for row in rows], licence)
    violations += rules.leaks(rows)
    violations += rules.sides(rows, expected.split)
    violations += rules.signals(traits, expected.signal)
    violations += duplicates(rows, {path: each.digest for path, each in traits.items()}, samples, expected.duplicates)
    violations += cues.balance(channels, expected.label)
    violations += cues.cues(rows, traits, expected.label)
    violations += _calibration(calibration, expected, licence)
    return ValidationReport(digest(manifest), expected.version, violations, rows, traits, channels)


def _samples(folder: Path, rows: Sequence[CorpusRow]) -> tuple[dict[str, Wide], list[DataViolation]]:
    """Reads all files; returns samples by path, and what is wrong with the others."""
    found = {row.path: read_samples(folder, row) for row in rows}
    samples = {path: each for path, each in found.items() if not isinstance(each, DataViolation)}
    return samples, [each for each in found.values() if isinstance(each, DataViolation)]


def _calibration(path: Path | None, expected: DataExpectations, licence: LicenseRule) -> Iterator[DataViolation]:
    """Checks the recordings that calibrate scores, if they are others than those of the corpus."""
    rows = [row for _, row in read_table(path, CALIBRATION_COLUMNS)] if path else []
    for row in rows:
        if row["use"] not in expected.rows.use:
            yield DataViolation("use", row["path"], "use", repr(row["use"]), " or ".join(expected.rows.use))
    yield from rules.licenses([(row["path"], row["licence"] or "") for row in rows], licence)


def main() -> int:
    """Runs the command."""
    arguments = _arguments()
    conf, out = configuration(arguments.conf, arguments.size), arguments.out
    try:
        report = validate(
            arguments.manifest, arguments.calibration, DataExpectations.read(arguments.expectations), conf
        )
    except (DataError, ManifestError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(json.dumps(report.document(), indent=1) + "\n", encoding="utf-8")
    write_page(out, report.document(), report.rows, report.traits)
    for each in report.violations[:MOST_SHOWN]:
        sys.stderr.write(f"{each.line}\n")
    sys.stderr.write(f"{len(report.violations)} violations in {len(report.rows)} rows: {out / 'index.html'}\n")
    return 1 if report.violations else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Check data against what is expected of it.")
    parser.add_argument("--manifest", type=Path, required=True, help="of the corpus")
    parser.add_argument("--calibration", type=Path, help="manifest of recordings that calibrate scores")
    parser.add_argument("--expectations", type=Path, default=FILE)
    parser.add_argument("--conf", type=Path, default=CONF)
    parser.add_argument("--size", type=Path, help="file of a size, whose numbers are taken before those of --conf")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
