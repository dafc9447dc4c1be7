"""Model versions: registered bundles with the documents of their making; nothing of one ever changes."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from bonafide.errors import InvalidInput, Subject
from bonafide.records import Stored, StoredForm, known, times

SCHEMA = 1
MANIFEST = "manifest.json"
GATES = "gates.json"
# Every row that the version was trained on, with its license; `lineage.data` of the manifest is its SHA-256.
DATA = "data.csv"
# Versions of the graphs' inputs and outputs that this release can serve; a manifest that names none has the first.
SERVED_CONTRACTS = frozenset({1})
# Names that are a file in one folder, on any system, and one segment of a key.
FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
SHA256 = r"^[0-9a-f]{64}$"
MAX_FILES = 100
# One PUT of S3 takes up to 5 GB; a function could not be deployed with a quarter of a gigabyte.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_FILE_BYTES = 512 * 1024 * 1024
# With the manifest, an item of DynamoDB has to stay below 400 KB.
MAX_MANIFEST_CHARACTERS = 200_000
MAX_GATES_BYTES = 100_000


def is_digest(text: str) -> bool:
    """Tells whether a text is a SHA-256 in hexadecimal digits."""
    return re.fullmatch(SHA256, text) is not None


class VersionStatus(StrEnum):
    """Status of a model version, in MLflow's words.

    https://mlflow.org/docs/latest/api_reference/python_api/mlflow.entities.html
    """

    PENDING_REGISTRATION = "PENDING_REGISTRATION"
    READY = "READY"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A bundle's manifest, as far as the registry reads it.

    Attributes:
        digest: sha256 of its bytes, hex, which names the version.
        files: digests of the bundle's files by name.
        contract: version of the graphs' inputs and outputs.
        embedding_space: of the speaker network.
        data: sha256 of the list of training rows; None if the manifest does not say.
    """

    digest: str
    files: Mapping[str, str]
    contract: int
    embedding_space: str
    data: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads and checks a manifest.

        Raises:
            InvalidInput: it is none, or its contract is not served.
        """
        document = _document(text)
        contract = document.get("contract", min(SERVED_CONTRACTS))
        # true and 1.0 are equal to 1 in Python.
        if type(contract) is not int or contract not in SERVED_CONTRACTS:
            served = ", ".join(map(str, sorted(SERVED_CONTRACTS)))
            raise InvalidInput(
                "model_contract_not_served",
                "This release cannot serve graphs of that contract.",
                subject=Subject.MANIFEST,
                limit=f"contract {served}",
                found=contract,
            )
        files, lineage = document["files"], document.get("lineage")
        data = lineage.get("data") if isinstance(lineage, dict) else None
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(digest, files, contract, document["embedding_space"], data if isinstance(data, str) else None)


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        raise _invalid("a JSON object") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise _invalid(f"a JSON object of schema {SCHEMA}")
    if not isinstance(document.get("embedding_space"), str):
        raise _invalid("an embedding_space")
    files = document.get("files")
    if not isinstance(files, dict) or not 0 < len(files) < MAX_FILES or MANIFEST in files:
        raise _invalid(f"files: 1 to {MAX_FILES - 1} names with their SHA-256, without {MANIFEST}")
    for name, digest in files.items():
        if not re.fullmatch(FILE_NAME, name) or not isinstance(digest, str) or not re.fullmatch(SHA256, digest):
            raise _invalid("files: names of letters, digits, . _ - with a SHA-256 in hexadecimal digits")
    return document


def _refuse_constant(name: str) -> None:
    """Refuses NaN and infinities, which are no JSON, and which an answer could not repeat."""
    raise ValueError(name)


def _invalid(needed: str) -> InvalidInput:
    return InvalidInput("manifest_invalid", "This is not a bundle's manifest.", subject=Subject.MANIFEST, limit=needed)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a version.

    Attributes:
        name: without folder.
        sha256: of its bytes, hex.
        size: bytes.
        document: whether it is kept with the version and never deployed.
        object_version: of the bucket's object that was checked; None before registration.
    """

    name: str
    sha256: str
    size: int
    document: bool = False
    object_version: str | None = None


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """A place that takes a file.

    Attributes:
        url: takes one PUT of this very content.
        headers: that have to be sent with it.
    """

    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class GateResult:
    """The result of one gate.

    Attributes:
        gate: its name.
        criterion: what it demands, for a person.
        cohort: to which recordings or callers it applies; None for all.
        bound: that the found value has to keep.
        found: the measured value.
        passed: whether it does.
    """

    gate: str
    criterion: str
    cohort: str | None
    bound: float | str
    found: float | str
    passed: bool


@dataclass(frozen=True, slots=True)
class GateReport:
    """The gates' results on a candidate.

    Attributes:
        gates_version: of the list of gates.
        champion: digest of what the candidate was compared with; None for the first.
        results: of every gate.
        champion_files: digests by name of the files that it was compared with; None where the report does not say.
    """

    gates_version: str
    champion: str | None
    results: Sequence[GateResult]
    champion_files: Mapping[str, str] | None = None

    @property
    def failed(self) -> list[GateResult]:
        """The gates that did not pass."""
        return [result for result in self.results if not result.passed]

    @property
    def passed(self) -> bool:
        """True if there are gates, and all of them passed."""
        return bool(self.results) and not self.failed

    @classmethod
    def parse(cls, content: bytes, candidate: str) -> Self:
        """Reads `gates.json`.

        Raises:
            InvalidInput: it is no such file, or it is about another candidate.
        """
        try:
            document = json.loads(content)
            if document["schema"] != SCHEMA or document["candidate"] != candidate:
                raise _gates_invalid(f"schema {SCHEMA}, candidate {candidate}")
            report = cls.from_document(document)
            if document["passed"] is not report.passed:
                raise _gates_invalid("passed, which says what the results say")
        except (ValueError, KeyError, TypeError):
            raise _gates_invalid("the results of gates") from None
        return report

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return asdict(self) | {"results": [asdict(result) for result in self.results]}

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form, or the part of `gates.json` that is stored."""
        results = [GateResult(**known(GateResult, result)) for result in document["results"]]
        if not all(isinstance(result.passed, bool) for result in results):
            raise TypeError("passed")
        if not isinstance(document.get("champion_files"), dict | None):
            raise TypeError("champion_files")
        return cls(document["gates_version"], document["champion"], results, document.get("champion_files"))


def _gates_invalid(needed: str) -> InvalidInput:
    return InvalidInput("gates_invalid", "This is not a report of this version's gates.", subject=GATES, limit=needed)


@dataclass(frozen=True, slots=True)
class ModelVersionRecord:
    """A model version, or one whose files are still uploaded.

    Attributes:
        digest: sha256 of the manifest, hex.
        status: whether it is registered.
        revision: counts the writes of the record, so that of two writers only one goes on.
        manifest: its text, byte for byte.
        files: all of them, manifest and documents included.
        created_at: when its upload was offered.
        gates: results of the gates; None if they came with no report.
        registered_at: when all files had been checked.
        registered_by: verified identity of who registered it; None where requests are not signed.
    """

    digest: str
    status: VersionStatus
    revision: int
    manifest: str
    files: Sequence[ModelFile]
    created_at: datetime
    gates: GateReport | None = None
    registered_at: datetime | None = None
    registered_by: str | None = None

    @property
    def is_ready(self) -> bool:
        """True if the version is registered."""
        return self.status is VersionStatus.READY

    def file(self, name: str) -> ModelFile | None:
        """Returns a file by its name; None if the version has none of that name."""
        return next((file for file in self.files if file.name == name), None)

    def to_document(self) -> StoredForm:
        """Returns the stored form, without the manifest."""
        return {
            "schema": SCHEMA,
            "digest": self.digest,
            "status": self.status,
            "revision": self.revision,
            "files": [asdict(file) for file in self.files],
            "created_at": times.written(self.created_at),
            "gates": self.gates.to_document() if self.gates else None,
            "registered_at": times.written(self.registered_at),
            "registered_by": self.registered_by,
        }

    @classmethod
    def from_document(cls, document: Stored, manifest: str) -> Self:
        """Reads a stored form."""
        gates = document.get("gates")
        return cls(
            digest=document["digest"],
            status=VersionStatus(document["status"]),
            revision=document["revision"],
            manifest=manifest,
            files=[ModelFile(**known(ModelFile, file)) for file in document["files"]],
            created_at=datetime.fromisoformat(document["created_at"]),
            gates=GateReport.from_document(gates) if gates else None,
            registered_at=times.read(document.get("registered_at")),
            registered_by=document.get("registered_by"),
        )
