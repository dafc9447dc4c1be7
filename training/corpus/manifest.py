"""Manifests: CSV files that list recordings, their speakers, and their permitted use."""

import csv
import hashlib
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REQUIRED = ("path", "speaker")


class ManifestError(Exception):
    """A manifest, one of its columns, or a file that it names is missing or may not be used."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording.

    Attributes:
        path: of a WAV or FLAC file.
        speaker: who speaks; empty when the columns do not say.
        session: the session or sitting that it comes from; empty when the manifest does not say.
        row: every column of the manifest.
        line: where the row ends in the manifest.
    """

    path: Path
    speaker: str
    session: str
    row: Mapping[str, str]
    line: int = 0


def refusals(clips: Sequence[Clip], codes: Sequence[str | None]) -> Counter[str]:
    """Names every refused recording on stderr, and counts them by code; None stands for an accepted one."""
    for clip, code in zip(clips, codes, strict=True):
        if code:
            sys.stderr.write(f"line {clip.line} is left out: {clip.path}: {code}\n")
    return Counter(code for code in codes if code)


def read_manifest(path: Path, columns: Sequence[str] = REQUIRED) -> list[Clip]:
    """Reads a CSV file.

    Args:
        path: of the manifest; a relative `path` in it is relative to its folder.
        columns: that it must have.

    Raises:
        ManifestError: it is missing, lacks a column, names no recordings, or names one that is missing.
    """
    rows = read_table(path, columns)
    required = [column for column in REQUIRED if column in columns]
    return [_clip(path, line, row, required) for line, row in rows]


def read_table(path: Path, columns: Sequence[str]) -> list[tuple[int, Mapping[str, str]]]:
    """Reads the rows of a CSV file, each with the line where it ends.

    Raises:
        ManifestError: it cannot be read, lacks a column, or has no rows.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            absent = [column for column in columns if column not in (reader.fieldnames or ())]
            rows: list[tuple[int, Mapping[str, str]]] = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestError(f"{path}: cannot be read as a CSV manifest ({error})") from error
    if absent:
        raise ManifestError(f"{path}: has no column {', '.join(absent)}")
    if not rows:
        raise ManifestError(f"{path}: names no recordings")
    return rows


def digest(path: Path) -> str:
    """Returns the SHA-256 of the manifest itself."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _clip(manifest: Path, line: int, row: Mapping[str, str], required: Sequence[str]) -> Clip:
    if not all(row.get(column) for column in required):
        raise ManifestError(f"{manifest}: line {line} lacks a {' or a '.join(required)}")
    file = manifest.parent / row["path"]
    if not file.is_file():
        raise ManifestError(f"{manifest}: line {line} names {row['path']}, which does not exist")
    return Clip(file, row.get("speaker") or "", row.get("session") or "", row, line)
