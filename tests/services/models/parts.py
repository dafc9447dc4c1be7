"""Bundles as their makers offer them, and a registry in memory."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bonafide.adapters.memory.models import MemoryModelFiles, MemoryModelRegistryStore, MemoryPromotionEvents
from bonafide.records.model import ModelFile, ModelVersionRecord
from bonafide.records.request import RequestContext
from bonafide.services.models.promotions import Promotions
from bonafide.services.models.versions import ModelVersions

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ENGINEER = RequestContext(None, "", principal="arn:aws:iam::1:role/engineer")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Candidate:
    """A bundle with its documents.

    Attributes:
        name: makes it another one.
        manifest: what its manifest says besides.
        failed: gates that it did not pass; None for no report.
        champion: that its gates compared it with.
        champion_files: digests of the files of that, as gates.json has them.
    """

    name: str = "a"
    manifest: Mapping[str, Any] = field(default_factory=dict)
    failed: tuple[str, ...] | None = ()
    champion: str | None = None
    champion_files: Any = None

    @property
    def files(self) -> dict[str, bytes]:
        return {"speaker.onnx": f"speaker {self.name}".encode(), "calibration.json": b"{}"}

    @property
    def text(self) -> str:
        files = {name: sha256(content) for name, content in self.files.items()}
        document = {"schema": 1, "embedding_space": "space", "files": files}
        return json.dumps(document | dict(self.manifest))

    @property
    def digest(self) -> str:
        return sha256(self.text.encode())

    @property
    def documents(self) -> dict[str, bytes]:
        if self.failed is None:
            return {"data.csv": b"path,licence\n"}
        results = [
            {
                "gate": gate,
                "criterion": f"{gate} is at most 0.05",
                "cohort": "telephone" if gate == "eer" else None,
                "bound": 0.05,
                "found": 0.01 if gate not in self.failed else 0.07,
                "interval": None,
                "passed": gate not in self.failed,
            }
            for gate in ("eer", "cllr")
        ]
        report = {"schema": 1, "gates_version": "1", "candidate": self.digest, "champion": self.champion}
        report |= {"champion_files": self.champion_files, "results": results, "passed": not self.failed}
        return {"data.csv": b"path,licence\n", "gates.json": json.dumps(report).encode()}

    @property
    def contents(self) -> dict[str, bytes]:
        return {"manifest.json": self.text.encode(), **self.files, **self.documents}

    @property
    def sizes(self) -> dict[str, int]:
        return {name: len(content) for name, content in self.files.items()}

    @property
    def kept(self) -> list[ModelFile]:
        return [ModelFile(name, sha256(each), len(each), document=True) for name, each in self.documents.items()]


class Registry:
    """The registry in memory."""

    def __init__(self) -> None:
        self.store = MemoryModelRegistryStore()
        self.files = MemoryModelFiles()
        self.events = MemoryPromotionEvents()
        self.versions = ModelVersions(self.store, self.files, lambda: NOW)
        self.promotions = Promotions(self.store, self.events, lambda: NOW)

    def upload(self, candidate: Candidate) -> None:
        _, targets = self.versions.offer(candidate.text, candidate.sizes, candidate.kept)
        for name, target in targets.items():
            self.files.put(target.url.removeprefix("memory:").partition("?")[0], candidate.contents[name])

    def register(self, candidate: Candidate) -> ModelVersionRecord:
        self.upload(candidate)
        return self.versions.register(candidate.digest, "new", ENGINEER.principal)
