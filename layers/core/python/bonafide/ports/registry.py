"""The registry of model versions: what is recorded of them, their files, and whom promotions are announced to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bonafide.records.model import ModelFile, ModelVersionRecord
from bonafide.records.promotion import AliasesRecord, PromotionRecord, RegistryEntry


class ModelRegistryStore(Protocol):
    """Versions, aliases and history. Reads see every write that was acknowledged before them."""

    def aliases(self) -> AliasesRecord:
        """Reads the aliases."""

    def version(self, digest: str) -> ModelVersionRecord | None:
        """Reads a version, or one whose files are still uploaded."""

    def put_offer(self, record: ModelVersionRecord, expires_at: datetime) -> None:
        """Writes revision n of a version that is not registered over n - 1; it is forgotten at `expires_at`.

        Raises:
            VersionConflict: another revision is stored.
        """

    def append(self, entry: RegistryEntry, aliases: AliasesRecord, version: ModelVersionRecord | None = None) -> None:
        """Writes an entry for good, the aliases after it, and a version that it registers; all or nothing.

        Raises:
            VersionConflict: the entry does not follow the newest one, or the version's revision the stored one.
        """

    def history(self, before: int | None, limit: int) -> Sequence[RegistryEntry]:
        """Reads at most `limit` entries with a lower sequence than `before`, or the newest, the newest first."""

    def history_from(self, sequence: int) -> Iterator[RegistryEntry]:
        """Reads the entries from one on, in their order."""

    def versions(self, after: str | None, limit: int) -> Sequence[ModelVersionRecord]:
        """Reads at most `limit` registered versions whose digests come after `after`, without their manifests."""


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """Where a file is sent to.

    Attributes:
        url: takes one PUT of this very content.
        headers: that have to be sent with it.
    """

    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object, as the store itself describes it.

    Attributes:
        sha256: that the store computed of its bytes, hex; None if it did not.
        size: bytes.
        version: of the object.
    """

    sha256: str | None
    size: int
    version: str


class ModelFiles(Protocol):
    """Files of versions. Nothing is written twice, and no byte passes through a function but those of `read`."""

    def presign_upload(self, digest: str, file: ModelFile, expires_seconds: int) -> UploadTarget:
        """Returns where exactly this file of a version may be sent to, if it is not there yet."""

    def stored(self, digest: str, files: Sequence[ModelFile]) -> Sequence[StoredObject | None]:
        """Describes what is stored in the place of each file; None for nothing."""

    def keep(self, digest: str, files: Sequence[ModelFile]) -> None:
        """Keeps object versions for good; those that nobody keeps are deleted when their lock ends."""

    def read(self, digest: str, file: ModelFile, limit: int) -> bytes:
        """Reads an object version.

        Raises:
            TooLarge: it has more than `limit` bytes; nothing was read.
        """

    def presign_download(self, digest: str, file: ModelFile, expires_seconds: int) -> str:
        """Returns a URL that gives an object version."""


class PromotionEvents(Protocol):
    """Announces promotions to the release pipeline."""

    def requested(self, promotion: PromotionRecord) -> None:
        """Announces a promotion; it may be announced more than once."""
