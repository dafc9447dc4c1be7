"""The registry of model versions in memory."""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from bonafide.adapters.model_files import object_key, too_large
from bonafide.ports.registry import StoredObject, UploadTarget
from bonafide.ports.stores import VersionConflict
from bonafide.records.model import ModelFile, ModelVersionRecord
from bonafide.records.promotion import AliasesRecord, PromotionRecord, RegistryEntry


class MemoryModelRegistryStore:
    """`ModelRegistryStore` in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._aliases = AliasesRecord()
        self._history: list[RegistryEntry] = []
        self._versions: dict[str, ModelVersionRecord] = {}

    def aliases(self) -> AliasesRecord:
        """See `ModelRegistryStore`."""
        return self._aliases

    def version(self, digest: str) -> ModelVersionRecord | None:
        """See `ModelRegistryStore`."""
        return self._versions.get(digest)

    def put_offer(self, record: ModelVersionRecord, expires_at: datetime) -> None:  # noqa: ARG002
        """See `ModelRegistryStore`."""
        with self._lock:
            self._require_follows(record)
            self._versions[record.digest] = record

    def append(self, entry: RegistryEntry, aliases: AliasesRecord, version: ModelVersionRecord | None = None) -> None:
        """See `ModelRegistryStore`."""
        with self._lock:
            if aliases.sequence != entry.sequence or entry.sequence != self._aliases.sequence + 1:
                raise VersionConflict
            if version:
                self._require_follows(version)
                self._versions[version.digest] = version
            self._history.append(entry)
            self._aliases = aliases

    def history(self, before: int | None, limit: int) -> Sequence[RegistryEntry]:
        """See `ModelRegistryStore`."""
        return [entry for entry in reversed(self._history) if before is None or entry.sequence < before][:limit]

    def history_from(self, sequence: int) -> Iterator[RegistryEntry]:
        """See `ModelRegistryStore`."""
        return iter([entry for entry in self._history if entry.sequence >= sequence])

    def versions(self, after: str | None, limit: int) -> Sequence[ModelVersionRecord]:
        """See `ModelRegistryStore`."""
        found = [
            record for digest, record in sorted(self._versions.items()) if record.is_ready and digest > (after or "")
        ]
        return [replace(record, manifest="") for record in found[:limit]]

    def _require_follows(self, record: ModelVersionRecord) -> None:
        known = self._versions.get(record.digest)
        if (known.revision if known else 0) != record.revision - 1:
            raise VersionConflict


class MemoryModelFiles:
    """`ModelFiles` in memory.

    Attributes:
        objects: content by key.
        pending: keys of the objects that nobody keeps.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.pending: set[str] = set()

    def put(self, key: str, content: bytes) -> None:
        """Takes what is sent to a URL; what is stored already stays."""
        if key not in self.objects:
            self.objects[key] = content
            self.pending.add(key)

    def presign_upload(self, digest: str, file: ModelFile, expires_seconds: int) -> UploadTarget:
        """See `ModelFiles`."""
        return UploadTarget(f"memory:{object_key(digest, file)}?expires={expires_seconds}", {"If-None-Match": "*"})

    def stored(self, digest: str, files: Sequence[ModelFile]) -> Sequence[StoredObject | None]:
        """See `ModelFiles`."""
        return [self._described(object_key(digest, file)) for file in files]

    def keep(self, digest: str, files: Sequence[ModelFile]) -> None:
        """See `ModelFiles`."""
        self.pending -= {object_key(digest, file) for file in files}

    def read(self, digest: str, file: ModelFile, limit: int) -> bytes:
        """See `ModelFiles`."""
        content = self.objects[object_key(digest, file)]
        if len(content) > limit:
            raise too_large(file, limit, len(content))
        return content

    def presign_download(self, digest: str, file: ModelFile, expires_seconds: int) -> str:
        """See `ModelFiles`."""
        return f"memory:{object_key(digest, file)}?expires={expires_seconds}"

    def _described(self, key: str) -> StoredObject | None:
        content = self.objects.get(key)
        return None if content is None else StoredObject(hashlib.sha256(content).hexdigest(), len(content), "1")


class MemoryPromotionEvents:
    """`PromotionEvents` in memory.

    Attributes:
        announced: all of them, in order.
    """

    def __init__(self) -> None:
        self.announced: list[PromotionRecord] = []

    def requested(self, promotion: PromotionRecord) -> None:
        """See `PromotionEvents`."""
        self.announced.append(promotion)
