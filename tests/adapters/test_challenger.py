"""The challenger is loaded from the registry as it was registered, or not at all."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bonafide.adapters.bundle import BundleCorrupt
from bonafide.adapters.memory.models import MemoryModelFiles, MemoryModelRegistryStore
from bonafide.adapters.model_files import object_key
from bonafide.bootstrap.shadow import ChallengerModels
from bonafide.records.model import ModelFile, ModelVersionRecord, VersionStatus
from bonafide.records.promotion import AliasesRecord

BUNDLE = Path(".build/layers/model/bundle")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Registry(MemoryModelRegistryStore):
    """A registry whose challenger is set by hand."""

    challenger: str | None = None

    def aliases(self) -> AliasesRecord:
        return replace(super().aliases(), challenger=self.challenger)


@pytest.fixture
def registered() -> tuple[Registry, MemoryModelFiles, ModelVersionRecord]:
    registry, files = Registry(), MemoryModelFiles()
    contents = {path.name: path.read_bytes() for path in BUNDLE.iterdir() if path.suffix in {".json", ".onnx"}}
    digest = hashlib.sha256(contents["manifest.json"]).hexdigest()
    found = [ModelFile(name, hashlib.sha256(each).hexdigest(), len(each)) for name, each in contents.items()]
    document = ModelFile("data.csv", "0" * 64, 1, document=True)
    record = ModelVersionRecord(
        digest, VersionStatus.READY, 1, contents["manifest.json"].decode(), [*found, document], NOW
    )
    registry.put_offer(record, NOW)
    for file in found:
        files.put(object_key(digest, file), contents[file.name])
    registry.challenger = digest
    return registry, files, record


def test_the_challenger_is_loaded_once_and_without_its_documents(
    registered: tuple[Registry, MemoryModelFiles, ModelVersionRecord],
) -> None:
    registry, files, record = registered
    challenger = ChallengerModels(registry, files)
    models = challenger()
    assert models
    assert models.digest == record.digest
    files.objects.clear()
    assert challenger() is models
    registry.challenger = None
    assert challenger() is None


@pytest.mark.parametrize("name", ["calibration.json", "spoof.onnx", "manifest.json"])
def test_a_challenger_with_a_file_that_was_changed_is_never_loaded(
    name: str, registered: tuple[Registry, MemoryModelFiles, ModelVersionRecord]
) -> None:
    registry, files, record = registered
    changed = record.file(name)
    assert changed
    files.objects[object_key(record.digest, changed)] += b"\n"
    challenger = ChallengerModels(registry, files)
    for _ in range(2):
        with pytest.raises(BundleCorrupt):
            challenger()
