"""The manifest of the detector's corpus.

A row is a file: `path,label,family,system,speaker,group,split,use,licence,source,sha256,rate,seconds`, paths relative
to the manifest. What is expected of rows and files is in `training/quality`.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from training.corpus.files import CorpusFile
from training.corpus.manifest import ManifestError, read_table

COLUMNS = (
    *("path", "label", "family", "system", "speaker", "group", "split", "use", "licence", "source"),
    *("sha256", "rate", "seconds"),
)


class DataError(Exception):
    """Data must not be trained on; the message names each defect and its rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusRow(CorpusFile):
    """A file of the corpus with its side of the split.

    Attributes:
        split: `train`, `validation` or `test`.
        sha256: of the file.
    """

    split: str
    sha256: str


def write(path: Path, rows: Sequence[CorpusRow]) -> None:
    """Writes a manifest, sorted, so that the same material has the same digest."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in sorted(rows, key=lambda row: row.path))


def read(path: Path) -> list[CorpusRow]:
    """Reads a manifest.

    Raises:
        DataError: a column is missing, or holds no number where one belongs; it names line and column.
    """
    try:
        return [_row(path, line, record) for line, record in read_table(path, COLUMNS)]
    except ManifestError as error:
        raise DataError(f"not a manifest of this pipeline: {error}") from error


def _row(path: Path, line: int, record: Mapping[str, str]) -> CorpusRow:
    values: dict[str, object] = {name: record[name] for name in COLUMNS}
    for name, kind in (("rate", int), ("seconds", float)):
        try:
            values[name] = kind(record[name])
        except (TypeError, ValueError) as error:
            raise DataError(f"{path}: line {line}: {name} is {record[name]!r}, expected a number") from error
    if absent := [name for name in COLUMNS if values[name] is None]:
        raise DataError(f"{path}: line {line}: {', '.join(absent)} is missing, expected a value")
    return CorpusRow(**values)  # type: ignore[arg-type]
