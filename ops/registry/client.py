"""The registry of model versions, over its REST API."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

import urllib3

from bonafide_client.connection import ApiConnection
from ops.registry.artifact import Artifact, ArtifactFile, TamperedFileError, receive

PAGE = 100


class TransferError(Exception):
    """A file could not be uploaded or downloaded."""


class TransferProgress(Protocol):
    """Follows uploads and downloads."""

    def begin(self, name: str, size: int) -> None:
        """Is told that a file of so many bytes begins."""

    def advance(self, name: str, size: int) -> None:
        """Is told how many more bytes of a file were transferred."""


class Unwatched:
    """`TransferProgress` that nobody looks at."""

    def begin(self, name: str, size: int) -> None:
        """See `TransferProgress`."""

    def advance(self, name: str, size: int) -> None:
        """See `TransferProgress`."""


class ModelRegistry:
    """Versions, aliases, promotions and history of one deployment.

    Every method raises `ProblemError` if the service refuses.
    """

    def __init__(self, connection: ApiConnection, progress: TransferProgress | None = None) -> None:
        """Takes a connection to the REST API, such as `Client(endpoint)`.

        Args:
            connection: to the deployment.
            progress: follows uploads and downloads.
        """
        self._connection = connection
        self._progress = progress or Unwatched()
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=120), retries=False)

    def versions(self) -> list[dict[str, Any]]:
        """Returns all registered versions, the newest first."""
        found = self._paged("/v1/models", "versions")
        return sorted(found, key=lambda version: str(version["registered_at"]), reverse=True)

    def version(self, digest: str) -> dict[str, Any]:
        """Returns a version with its manifest, files and gates."""
        found: dict[str, Any] = self._connection.send("GET", f"/v1/models/{digest}")
        return found

    def aliases(self) -> dict[str, Any]:
        """Returns `champion`, `challenger` and the `pending` promotion, each None if there is none."""
        found: dict[str, Any] = self._connection.send("GET", "/v1/registry")
        return found

    def history(self) -> Iterator[dict[str, Any]]:
        """Yields the entries of the history, the newest first."""
        return self._paged("/v1/promotions", "entries")

    def register(self, bundle: Path, documents: Sequence[Path], reason: str) -> str:
        """Uploads a bundle with its documents, what is stored already excepted, and registers it as a version.

        Args:
            bundle: folder with `manifest.json` and the files that it lists.
            documents: files that are kept with the version and never deployed.
            reason: for the history.

        Returns:
            The version's digest.

        Raises:
            TamperedFileError: a file is not the one that the manifest lists.
            TransferError: an upload failed; repeating it goes on with the files that are missing.
        """
        artifact = Artifact.of(bundle, documents)
        offer = self._connection.send("POST", "/v1/models", artifact.offer())
        for upload in offer["uploads"]:
            self._upload(artifact.file(upload["name"]), upload)
        if offer["status"] != "READY":
            self._connection.send("POST", f"/v1/models/{artifact.digest}/registration", {"reason": reason})
        return artifact.digest

    def challenge(self, digest: str, reason: str) -> dict[str, Any]:
        """Makes a version the challenger."""
        return self._promotion({"kind": "challenge", "digest": digest, "reason": reason})

    def promote(self, digest: str, reason: str, override: str | None = None) -> str:
        """Asks the release pipeline to make a version the champion; returns the promotion's id.

        Args:
            digest: of the version.
            reason: for the history.
            override: why it is promoted although it would be refused.
        """
        return self._asked({"kind": "promote", "digest": digest, "reason": reason, "override": override})

    def rollback(self, reason: str, override: str | None = None) -> str:
        """Asks the release pipeline to make the champion before the present one champion again; returns the id."""
        return self._asked({"kind": "rollback", "reason": reason, "override": override})

    def promotion(self, id_: str) -> dict[str, Any]:
        """Returns a promotion with its `state`: PENDING, SUCCEEDED or FAILED."""
        found: dict[str, Any] = self._connection.send("GET", f"/v1/promotions/{id_}")
        return found

    def complete(self, id_: str, succeeded: bool, release: str, detail: str) -> dict[str, Any]:
        """Reports the outcome of a promotion, as the release pipeline does; the same report again changes nothing."""
        body = {"succeeded": succeeded, "release": release, "detail": detail}
        found: dict[str, Any] = self._connection.send("POST", f"/v1/promotions/{id_}/result", body)
        return found

    def download(self, digest: str, folder: Path, *, documents: bool = False) -> None:
        """Writes the bundle of a version into a folder; a file appears there only after it was verified.

        Args:
            digest: of the version.
            folder: is made if it does not exist.
            documents: whether to write the documents too.

        Raises:
            TamperedFileError: a file is not the one that was registered.
            TransferError: a download failed.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for file in self.files(digest):
            if documents or not file["document"]:
                receive(self.content(file), file["name"], file["sha256"], folder)

    def files(self, digest: str) -> list[dict[str, Any]]:
        """Returns the files of a version, each with a `url` that gives it for some minutes.

        Raises:
            TamperedFileError: they are not those of the digest's manifest.
        """
        found: list[dict[str, Any]] = self._connection.send("GET", f"/v1/models/{digest}/files")["files"]
        manifest = next((file for file in found if file["name"] == "manifest.json"), None)
        if manifest is None or manifest["sha256"] != digest:
            raise TamperedFileError("manifest.json", digest, "another digest in the registry")
        return found

    def content(self, file: dict[str, Any]) -> Iterator[bytes]:
        """Yields the stored bytes of one of `files`, unverified."""
        self._progress.begin(file["name"], file["bytes"])
        try:
            with self._pool.request("GET", file["url"], preload_content=False) as answer:
                if answer.status != 200:
                    raise TransferError(f"{file['name']}: the store answered {answer.status}")
                for part in answer.stream(1 << 20):
                    self._progress.advance(file["name"], len(part))
                    yield part
        except urllib3.exceptions.HTTPError as error:
            raise TransferError(f"{file['name']}: {type(error).__name__}") from error

    def _upload(self, file: ArtifactFile, upload: dict[str, Any]) -> None:
        self._progress.begin(file.name, file.size)
        body = file.parts(lambda size: self._progress.advance(file.name, size))
        headers = {**upload["headers"], "Content-Length": str(file.size)}
        try:
            answer = self._pool.request("PUT", upload["url"], body=body, headers=headers, chunked=False)
        except urllib3.exceptions.HTTPError as error:
            raise TransferError(f"{file.name}: {type(error).__name__}") from error
        # 412: somebody else stored the same file meanwhile; registration checks that it is the same.
        if answer.status not in {200, 412}:
            raise TransferError(f"{file.name}: the store answered {answer.status}")

    def _asked(self, body: dict[str, str | None]) -> str:
        return str(self._promotion({name: value for name, value in body.items() if value is not None})["id"])

    def _promotion(self, body: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._connection.send("POST", "/v1/promotions", body)
        return found

    def _paged(self, path: str, name: str) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            query = {"limit": PAGE, **({"cursor": cursor} if cursor else {})}
            page = self._connection.send("GET", f"{path}?{urlencode(query)}")
            yield from page[name]
            cursor = page.get("next_cursor")
            if cursor is None:
                return
