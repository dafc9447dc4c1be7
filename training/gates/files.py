"""Gates on files: whether they are those of the manifest, and how large they are."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from training.corpus.manifest import digest
from training.gates.criteria import DATA, MANIFEST, Submission
from training.gates.results import CriterionFinding

CARD, DETECTOR = "spoof.json", "spoof.onnx"


def integrity(submission: Submission) -> Iterator[CriterionFinding]:
    """Holds the files against the manifest, and the documents against both."""
    try:
        problems, listed = list(_problems(submission)), len(submission.manifest["files"])
    except ValueError as error:
        yield _integrity(f"{MANIFEST} lists the files", str(error)[:200], passed=False)
        return
    if not problems:
        yield _integrity("files and documents are those that the manifest names", f"{listed} files", passed=True)
    for criterion, found in problems:
        yield _integrity(criterion, found, passed=False)


def size(submission: Submission) -> Iterator[CriterionFinding]:
    """Weighs the bundle, in bytes; what serves former embedding spaces is left out of the ratio."""
    limits, found = submission.criteria.size, _bytes(submission.candidate)
    yield CriterionFinding("size", "bytes of the bundle", limits["bytes"], found, found <= limits["bytes"])
    if submission.champion and submission.champion_manifest:
        own = found - _former_bytes(submission.candidate, submission.manifest)
        before = _bytes(submission.champion) - _former_bytes(submission.champion, submission.champion_manifest)
        ratio = own / before
        yield CriterionFinding("size", "bytes, ratio to the champion", limits["ratio"], ratio, ratio <= limits["ratio"])


def _problems(submission: Submission) -> Iterator[tuple[str, str]]:
    folder, files = submission.candidate, submission.manifest["files"]
    for name, expected in sorted(files.items()):
        if found := _differs(folder, name, expected):
            yield f"{name} is the file that the manifest names", found
    yield from (("no file is unlisted", name) for name in _unlisted(folder, files))
    yield from _documents(submission)


def _differs(folder: Path, name: str, expected: str) -> str | None:
    """Returns what is wrong with a file; None when it is the one that was built."""
    if Path(name).name != name:
        return "is outside of the bundle"
    if not (folder / name).is_file():
        return "is missing"
    found = digest(folder / name)
    return None if found == expected else f"SHA-256 {found[:12]}, listed {str(expected)[:12]}"


def _unlisted(folder: Path, files: object) -> Iterator[str]:
    listed = {MANIFEST, *(files if isinstance(files, dict) else ())}
    yield from sorted(name for path in folder.rglob("*") if (name := str(path.relative_to(folder))) not in listed)


def _documents(submission: Submission) -> Iterator[tuple[str, str]]:
    lineage = submission.manifest.get("lineage", {})
    if not isinstance(lineage, dict):
        yield "the lineage is a JSON object", f"is {str(lineage)[:50]!r}"
    data = submission.lineage.get("data")
    if data and (found := _differs(submission.documents, DATA, data)):
        yield f"{DATA} is the one that the lineage names", found
    card = submission.candidate / CARD
    if card.is_file() and (found := _differs(submission.candidate, DETECTOR, _of_card(card))):
        yield f"{DETECTOR} is the graph that its card names", found
    evaluated = submission.evaluation.get("candidate"), submission.evaluation.get("champion")
    if evaluated != submission.digests:
        named = " and ".join(str(each)[:12] for each in evaluated)
        yield "evaluation.json is of this candidate and this champion", f"is of {named}"


def _of_card(card: Path) -> str:
    try:
        return str(json.loads(card.read_bytes())["sha256"])
    except (ValueError, KeyError, TypeError):
        return "nothing"


def _integrity(criterion: str, found: str, *, passed: bool) -> CriterionFinding:
    return CriterionFinding("integrity", criterion, "all of them", found, passed)


def _former_bytes(folder: Path, manifest: Mapping[str, Any]) -> int:
    """Adds up what is listed as former; a list that is none is a finding of the contract."""
    listed = manifest.get("former")
    entries = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    names = {str(name) for each in entries for name in each.values()} & manifest["files"].keys()
    return sum((folder / name).stat().st_size for name in names if (folder / name).is_file())


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
