"""Model versions."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StrictInt, StringConstraints

from bonafide.contracts.base import Answer, Request
from bonafide.contracts.brakes import MAX_REASON_CHARACTERS, REASON
from bonafide.contracts.cursors import to_cursor
from bonafide.records.model import (
    FILE_NAME,
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_MANIFEST_CHARACTERS,
    SHA256,
    GateReport,
    ModelFile,
    ModelVersionRecord,
    UploadTarget,
    VersionStatus,
)

type Digest = Annotated[str, StringConstraints(pattern=SHA256)]
type FileName = Annotated[str, StringConstraints(pattern=FILE_NAME)]
type HistoryText = Annotated[str, StringConstraints(max_length=MAX_REASON_CHARACTERS, pattern=REASON)]
type ByteCount = Annotated[StrictInt, Field(ge=0, le=MAX_FILE_BYTES)]

FOR_HISTORY = "Kept for good in the history. Holds references, never personal data."


class BundleFile(Request):
    """A file that the manifest lists."""

    name: FileName
    bytes: ByteCount


class ModelDocument(BundleFile):
    """A file that is kept with the version and never deployed."""

    sha256: Digest


class ModelOffer(Request):
    """Offers a bundle to the registry."""

    manifest: str = Field(
        max_length=MAX_MANIFEST_CHARACTERS, description="Text of `manifest.json`: its SHA-256 names the version."
    )
    files: list[BundleFile] = Field(max_length=MAX_FILES, description="The size of each file that the manifest lists.")
    documents: list[ModelDocument] = Field(
        [],
        max_length=MAX_FILES,
        description="Files that are kept with the version: `gates.json`, which says whether its gates passed, "
        "`data.csv`, `evaluation.json` and others.",
    )

    def sizes(self) -> dict[str, int]:
        """Returns bytes of the bundle's files by name."""
        return {file.name: file.bytes for file in self.files}

    def kept(self) -> list[ModelFile]:
        """Returns the documents as records."""
        return [ModelFile(file.name, file.sha256, file.bytes, document=True) for file in self.documents]


class RegistrationRequest(Request):
    """Registers a version after its files were uploaded."""

    reason: HistoryText = Field(description=FOR_HISTORY)


class ModelUpload(Answer):
    """A URL that takes one file."""

    name: str
    url: str = Field(description="Takes one PUT of exactly this file.")
    headers: dict[str, str] = Field(description="To be sent with the PUT.")


class ModelUploads(Answer):
    """The files of a version that are still to be uploaded."""

    digest: str
    status: VersionStatus = Field(description="READY if the version is registered already.")
    uploads: list[ModelUpload]
    expires_in_seconds: int = Field(description="How long the URLs may be used.")


class GateOutcome(Answer):
    """The result of one gate."""

    gate: str
    criterion: str
    cohort: str | None
    bound: float | str
    found: float | str
    passed: bool


class ModelGates(Answer):
    """The gates' results on a version."""

    gates_version: str
    champion: str | None = Field(description="Digest of what the version was compared with.")
    passed: bool
    results: list[GateOutcome]


class ModelVersionSummary(Answer):
    """A registered version."""

    digest: str
    status: VersionStatus
    registered_at: AwareDatetime | None
    registered_by: str | None = Field(description="Verified identity; null where requests are not signed.")
    gates_passed: bool | None = Field(description="Null if the version came without a report of its gates.")
    bytes: int = Field(description="Of all files of the bundle, without the documents.")


class VersionFile(Answer):
    """A file of a version."""

    name: str
    sha256: str
    bytes: int
    document: bool = Field(description="Whether it is kept with the version and never deployed.")


class ModelVersion(ModelVersionSummary):
    """A registered version with all that is recorded of it."""

    manifest: dict[str, Any]
    files: list[VersionFile]
    gates: ModelGates | None


class ModelVersionPage(Answer):
    """One page of registered versions, in the order of their digests."""

    versions: list[ModelVersionSummary]
    next_cursor: str | None


class VersionDownload(VersionFile):
    """A file of a version, with a URL that gives it."""

    url: str


class VersionDownloads(Answer):
    """All files of a version."""

    files: list[VersionDownload]
    expires_in_seconds: int


def uploads_view(record: ModelVersionRecord, targets: Mapping[str, UploadTarget], seconds: int) -> ModelUploads:
    """Returns the view of what is to be uploaded."""
    uploads = [ModelUpload(name=name, url=each.url, headers=dict(each.headers)) for name, each in targets.items()]
    return ModelUploads(digest=record.digest, status=record.status, uploads=uploads, expires_in_seconds=seconds)


def _summary(record: ModelVersionRecord) -> dict[str, Any]:
    return {
        "digest": record.digest,
        "status": record.status,
        "registered_at": record.registered_at,
        "registered_by": record.registered_by,
        "gates_passed": record.gates.passed if record.gates else None,
        "bytes": sum(file.size for file in record.files if not file.document),
    }


def version_view(record: ModelVersionRecord) -> ModelVersion:
    """Returns the view of a version."""
    files = [VersionFile(**_file(file)) for file in record.files]
    gates = _gates(record.gates) if record.gates else None
    return ModelVersion(**_summary(record), manifest=json.loads(record.manifest), files=files, gates=gates)


def version_page(records: Sequence[ModelVersionRecord], limit: int) -> ModelVersionPage:
    """Returns the view of a page; one that is full may have a next one."""
    following = to_cursor(records[-1].digest) if len(records) == limit else None
    return ModelVersionPage(versions=[ModelVersionSummary(**_summary(each)) for each in records], next_cursor=following)


def downloads_view(record: ModelVersionRecord, urls: Mapping[str, str], seconds: int) -> VersionDownloads:
    """Returns the view of a version's files."""
    files = [VersionDownload(**_file(file), url=urls[file.name]) for file in record.files]
    return VersionDownloads(files=files, expires_in_seconds=seconds)


def _file(file: ModelFile) -> dict[str, Any]:
    return {"name": file.name, "sha256": file.sha256, "bytes": file.size, "document": file.document}


def _gates(report: GateReport) -> ModelGates:
    results = [
        GateOutcome(
            gate=each.gate,
            criterion=each.criterion,
            cohort=each.cohort,
            bound=each.bound,
            found=each.found,
            passed=each.passed,
        )
        for each in report.results
    ]
    return ModelGates(
        gates_version=report.gates_version, champion=report.champion, passed=report.passed, results=results
    )
