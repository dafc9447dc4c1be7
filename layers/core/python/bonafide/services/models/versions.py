"""Registration and reading of model versions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bonafide.errors import Conflict, InvalidInput, NotFound, Subject
from bonafide.observability import logger
from bonafide.ports.registry import ModelFiles, ModelRegistryStore, StoredObject, UploadTarget
from bonafide.records.model import (
    DATA,
    GATES,
    MANIFEST,
    MAX_GATES_BYTES,
    GateReport,
    Manifest,
    ModelFile,
    ModelVersionRecord,
    VersionStatus,
)
from bonafide.records.promotion import RegistryAction, RegistryEntry
from bonafide.services.shared.clock import Clock, utc_now
from bonafide.services.shared.retries import retry_on_conflict

WRITE_ATTEMPTS = 20
# A bundle of 50 MB takes 7 minutes at 1 Mbit/s.
TRANSFER_SECONDS = 3600
# An offer that nobody registers is forgotten.
OFFER_KEPT = timedelta(days=1)

type Offered = tuple[ModelVersionRecord, Mapping[str, UploadTarget]]


class ModelVersions:
    """Model versions: nothing of a registered one changes.

    A registration is safe to repeat and to break off anywhere: files are stored by their digests and only once, and a
    version exists when one write, the last, says that S3 itself found all of its files to be those of its manifest.
    """

    def __init__(self, store: ModelRegistryStore, files: ModelFiles, clock: Clock = utc_now) -> None:
        self._store = store
        self._files = files
        self._clock = clock

    def offer(self, manifest: str, sizes: Mapping[str, int], documents: Sequence[ModelFile]) -> Offered:
        """Takes the offer of a version; returns where its files are to be sent that are not there yet.

        Args:
            manifest: text of the bundle's manifest.
            sizes: bytes of each file that it lists.
            documents: files that are kept with the version.

        Raises:
            InvalidInput: the manifest is none that this release serves, or the rest does not fit it.
            Conflict: the version is registered with other documents.
        """
        parsed = Manifest.parse(manifest)
        files = _artifact(parsed, manifest, sizes, documents)

        def attempt() -> ModelVersionRecord:
            known = self._store.version(parsed.digest)
            if known and known.is_ready:
                _require_same(known.files, files)
                return known
            now, revision = self._clock(), known.revision + 1 if known else 1
            status = VersionStatus.PENDING_REGISTRATION
            record = ModelVersionRecord(parsed.digest, status, revision, manifest, files, now)
            self._store.put_offer(record, now + OFFER_KEPT)
            return record

        record = retry_on_conflict(WRITE_ATTEMPTS, attempt)
        return record, {} if record.is_ready else self._targets(record)

    def register(self, digest: str, reason: str, principal: str | None) -> ModelVersionRecord:
        """Registers a version whose files were uploaded; one that is registered stays as it is.

        Raises:
            NotFound: it was not offered, or so long ago that it is forgotten.
            Conflict: a file is missing, or is not the one that was offered.
            InvalidInput: `gates.json` is not a report of this version's gates.
        """

        def attempt() -> ModelVersionRecord:
            record = self._known(digest)
            if record.is_ready:
                return record
            stored = self._files.stored(digest, record.files)
            files = [_checked(file, found) for file, found in zip(record.files, stored, strict=True)]
            gates = self._gates(digest, files)
            self._files.keep(digest, files)
            return self._append(replace(record, files=files, gates=gates), reason, principal)

        return retry_on_conflict(WRITE_ATTEMPTS, attempt)

    def get(self, digest: str) -> ModelVersionRecord:
        """Reads a registered version.

        Raises:
            NotFound: there is none.
        """
        return require_registered(self._store, digest)

    def list(self, after: str | None, limit: int) -> Sequence[ModelVersionRecord]:
        """Reads registered versions whose digests come after `after`."""
        return self._store.versions(after, limit)

    def downloads(self, digest: str) -> tuple[ModelVersionRecord, Mapping[str, str]]:
        """Returns a registered version, and URLs of its files by name.

        Raises:
            NotFound: there is none.
        """
        record = self.get(digest)
        return record, {
            file.name: self._files.presign_download(digest, file, TRANSFER_SECONDS) for file in record.files
        }

    def _targets(self, record: ModelVersionRecord) -> Mapping[str, UploadTarget]:
        stored = self._files.stored(record.digest, record.files)
        missing = [file for file, found in zip(record.files, stored, strict=True) if not _is(file, found)]
        return {file.name: self._files.presign_upload(record.digest, file, TRANSFER_SECONDS) for file in missing}

    def _known(self, digest: str) -> ModelVersionRecord:
        record = self._store.version(digest)
        if record is None:
            raise _not_found(digest)
        return record

    def _gates(self, digest: str, files: Sequence[ModelFile]) -> GateReport | None:
        report = next((file for file in files if file.name == GATES), None)
        return GateReport.parse(self._files.read(digest, report, MAX_GATES_BYTES), digest) if report else None

    def _append(self, record: ModelVersionRecord, reason: str, principal: str | None) -> ModelVersionRecord:
        now, aliases = self._clock(), self._store.aliases()
        ready = replace(
            record,
            status=VersionStatus.READY,
            revision=record.revision + 1,
            registered_at=now,
            registered_by=principal,
        )
        entry = RegistryEntry(
            aliases.sequence + 1, RegistryAction.REGISTERED, now, record.digest, reason, principal=principal
        )
        self._store.append(entry, aliases.after(entry), ready)
        logger.info("model version registered", extra={"digest": record.digest, "sequence": entry.sequence})
        return ready


def require_registered(store: ModelRegistryStore, digest: str) -> ModelVersionRecord:
    """Reads a registered version.

    Raises:
        NotFound: there is none; one whose files are still uploaded is none.
    """
    record = store.version(digest)
    if record is None or not record.is_ready:
        raise _not_found(digest)
    return record


def _not_found(digest: str) -> NotFound:
    return NotFound(
        "model_version_not_found", "No such model version.", subject=Subject.MODEL_VERSION, found=digest[:12]
    )


def _artifact(
    manifest: Manifest, text: str, sizes: Mapping[str, int], documents: Sequence[ModelFile]
) -> list[ModelFile]:
    """Returns all files of an offer."""
    if set(sizes) != set(manifest.files):
        raise InvalidInput(
            "model_files_differ",
            "The sizes are not those of the files that the manifest lists.",
            subject="files",
            limit=", ".join(sorted(manifest.files)),
            found=", ".join(sorted(sizes)),
        )
    own = ModelFile(MANIFEST, manifest.digest, len(text.encode()))
    listed = [ModelFile(name, sha256, sizes[name]) for name, sha256 in sorted(manifest.files.items())]
    names = [file.name for file in (own, *listed, *documents)]
    if len(set(names)) < len(names):
        raise InvalidInput(
            "model_files_differ", "Each file of a version needs a name of its own.", subject=Subject.DOCUMENTS
        )
    _require_data(manifest, documents)
    return [own, *listed, *sorted(documents, key=lambda file: file.name)]


def _require_data(manifest: Manifest, documents: Sequence[ModelFile]) -> None:
    """Refuses a list of training rows that is not the one that the manifest names."""
    data = next((file for file in documents if file.name == DATA), None)
    if manifest.data is not None and (data is None or data.sha256 != manifest.data):
        raise InvalidInput(
            "model_files_differ",
            "The manifest names another list of training rows.",
            subject=Subject.DOCUMENTS,
            limit=f"{DATA} with SHA-256 {manifest.data}",
            found=data.sha256 if data else None,
        )


def _require_same(registered: Sequence[ModelFile], offered: Sequence[ModelFile]) -> None:
    """Refuses to offer a registered version with other documents: they are fixed."""
    known, wanted = ({(file.name, file.sha256) for file in files} for files in (registered, offered))
    if different := sorted({name for name, _ in known ^ wanted}):
        raise Conflict(
            "model_version_registered",
            "The version is registered with other documents, and they are fixed.",
            subject=Subject.DOCUMENTS,
            found=", ".join(different),
        )


def _is(file: ModelFile, found: StoredObject | None) -> bool:
    return found is not None and (found.sha256, found.size) == (file.sha256, file.size)


def _checked(file: ModelFile, found: StoredObject | None) -> ModelFile:
    """Returns the file with its object version.

    Raises:
        Conflict: it is not there, or the store found other content.
    """
    if found is None:
        raise Conflict("model_upload_missing", "A file was not uploaded.", subject=file.name, limit=file.sha256)
    if not _is(file, found):
        raise Conflict(
            "model_upload_different",
            "A file that was uploaded is not the one that was offered.",
            subject=file.name,
            limit=f"sha256 {file.sha256}, {file.size} bytes",
            found=f"sha256 {found.sha256}, {found.size} bytes",
        )
    return replace(file, object_version=found.version)
