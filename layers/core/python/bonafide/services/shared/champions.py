"""Requirements on a version that is to become champion."""

import json
from collections.abc import Sequence
from typing import Any

from bonafide.errors import Conflict, Subject
from bonafide.records.model import GATES, GateReport, ModelVersionRecord


def require_space(version: ModelVersionRecord, champion: ModelVersionRecord) -> None:
    """Refuses a version that cannot compare who has a voiceprint in the champion's embedding space alone."""
    space, served = _spaces(champion)[0], _spaces(version)
    if space not in served:
        raise Conflict(
            "embedding_space_not_served",
            "Speakers whose former voiceprints were removed would be refused.",
            subject=Subject.MODEL_VERSION,
            limit=space,
            found=", ".join(served),
        )


def require_gates(version: ModelVersionRecord, champion: ModelVersionRecord | None) -> None:
    """Refuses a version whose gates did not pass, and names the first one that did not, or compared it with another."""
    if version.gates is None or not version.gates.results:
        raise Conflict(
            "gates_not_passed", "The version came without a report of its gates.", subject=GATES, limit="passed"
        )
    if failed := version.gates.failed:
        first, others = failed[0], ", ".join(result.gate for result in failed[1:6])
        raise Conflict(
            "gates_not_passed",
            f"{len(failed)} of {len(version.gates.results)} gates did not pass: {first.criterion}"
            + (f"; others: {others}." if others else "."),
            subject=f"{first.gate} ({first.cohort})" if first.cohort else first.gate,
            limit=first.bound,
            found=first.found,
        )
    if champion and not _is_about(version.gates, champion):
        raise Conflict(
            "gates_outdated",
            "The gates compared the version with another one than the champion.",
            subject=GATES,
            limit=champion.digest,
            found=version.gates.champion,
        )


def _is_about(report: GateReport, champion: ModelVersionRecord) -> bool:
    """Tells whether a candidate was compared with this version, or with a build of the same files."""
    files = _manifest(champion).get("files")
    return report.champion == champion.digest or (bool(files) and report.champion_files == files)


def _spaces(version: ModelVersionRecord) -> Sequence[str]:
    """Returns the spaces that voiceprints can be compared in: its own first, then those of former networks."""
    manifest = _manifest(version)
    return [each["embedding_space"] for each in (manifest, *manifest.get("former", ()))]


def _manifest(version: ModelVersionRecord) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(version.manifest)
    return manifest
