"""The gate on licenses: of every row that was trained on, and of every package and source in the lineage."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from training.corpus.manifest import ManifestError, read_table
from training.gates.criteria import DATA, Submission, object_or_empty
from training.gates.files import CARD
from training.gates.results import CriterionFinding

# Findings that are listed one by one; the rest is counted.
MOST = 10
# The use of a row that may train what is shipped.
TRAIN = "train"
# Names of what has a license, the most telling first.
NAMES = ("path", "source", "name", "member")


@dataclass(frozen=True, slots=True)
class LicenseRule:
    """Licenses by their names, SPDX identifiers or spellings that somebody has read; make it by `of`.

    Attributes:
        allowed: matches a name that is allowed.
        refused: matches a word that is refused wherever it stands, also as a part of a name: the NC of CC-BY-NC-4.0.
    """

    allowed: re.Pattern[str]
    refused: re.Pattern[str]

    @classmethod
    def of(cls, names: Mapping[str, Sequence[str]]) -> Self:
        """Reads the lists `allow` and `refuse`."""
        return cls(_any(names["allow"], r"[\w.+-]", r"[\w.+-]*[\w+]"), _any(names["refuse"], r"\w", r"\w"))

    def allows(self, licence: str) -> bool:
        """Tells whether each part between semicolons is allowed, and nothing in it is refused."""
        parts = [part for part in licence.split(";") if part.strip()]
        known = bool(parts) and all(self.allowed.search(part) for part in parts)
        return known and not self.refused.search(licence)


def licence(submission: Submission) -> Iterator[CriterionFinding]:
    """Reads the licence of every row of data.csv, and of all that the lineage names."""
    rule = LicenseRule.of(submission.criteria.licence)
    try:
        rows = _rows(submission)
    except (ManifestError, OSError, ValueError) as error:
        yield CriterionFinding(
            "licence", "licence of every training row", "data.csv is readable", str(error), passed=False
        )
        return
    refused = [each for each in rows if _refusal(each, rule)]
    yield from _findings(refused, len(rows), rule)


def _findings(refused: Sequence[Mapping[str, str]], count: int, rule: LicenseRule) -> Iterator[CriterionFinding]:
    bound = "licenses of gates.yaml"
    for each in refused[:MOST]:
        found = f"{_name(each)}: {_refusal(each, rule)}"
        yield CriterionFinding("licence", "licence of every training row", bound, found, passed=False)
    if not refused or len(refused) > MOST:
        found = f"{len(refused)} refused of {count} rows and sources"
        yield CriterionFinding("licence", "licence of every training row", bound, found, passed=not refused)


def _refusal(row: Mapping[str, str], rule: LicenseRule) -> str | None:
    """Says why a row may not be trained on; None when it may."""
    stated = row.get("licence") or row.get("license") or ""
    if not rule.allows(stated):
        return f"licence {stated!r}"
    use = row.get("use", TRAIN)
    return None if use == TRAIN else f"use {use!r}"


def _rows(submission: Submission) -> list[Mapping[str, str]]:
    """Returns whatever has a licence.

    Raises:
        ManifestError: the table of rows is named by the lineage but cannot be read.
    """
    stated = list(_stated(submission.lineage))
    if CARD in submission.manifest["files"]:
        card = object_or_empty(json.loads((submission.candidate / CARD).read_bytes()))
        stated += _stated(card.get("lineage"))
    table = submission.documents / DATA
    if table.exists() or submission.lineage.get("data"):
        stated += [
            {**row, "path": f"line {line} {row.get('path', '')}"} for line, row in read_table(table, ["licence"])
        ]
    return stated


def _stated(lineage: Any) -> Iterator[Mapping[str, str]]:
    """Finds everything in a lineage that names a package, a source of recordings, or a licence."""
    if isinstance(lineage, Mapping):
        if "licence" in lineage or "source" in lineage or "member" in lineage:
            yield {key: str(value) for key, value in lineage.items()}
        for each in lineage.values():
            yield from _stated(each)
    elif isinstance(lineage, list):
        for each in lineage:
            yield from _stated(each)


def _name(row: Mapping[str, str]) -> str:
    return next((row[key] for key in NAMES if row.get(key)), "unnamed")


def _any(names: Sequence[str], before: str, after: str) -> re.Pattern[str]:
    """Matches any of the names, with spaces or hyphens, but not as a part of a longer one that these belong to."""
    either = "|".join(re.escape(name).replace("\\ ", "[ -]") for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<!{before})(?:{either})(?!{after})", re.IGNORECASE)
