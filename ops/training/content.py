"""Files and folders by their digests, in a bucket: the same content is stored once, and read back verified."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Self

from botocore.exceptions import ClientError

from training.pipeline.errors import PipelineError

THREADS = 16
# Content is deleted KEPT_DAYS after it was last written. What is younger than FRESH_DAYS is not written again; a
# stage's record counts for as long. So whatever a run relies on stays for KEPT_DAYS - 2 * FRESH_DAYS at least.
KEPT_DAYS, FRESH_DAYS = 90, 30


class ContentError(PipelineError):
    """Content is missing, or not what its digest says."""


@dataclass(frozen=True, slots=True)
class Content:
    """A file or a folder.

    Attributes:
        digest: sha256 of the file, or of the folder's listing: a line `name digest` for each file, in order of names,
            as `training.pipeline.fingerprint` computes it.
        folder: whether it is a folder.
    """

    digest: str
    folder: bool

    def __str__(self) -> str:
        """Returns the stored form."""
        return f"{'folder' if self.folder else 'file'}:{self.digest}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads the stored form."""
        kind, digest = text.split(":")
        return cls(digest, kind == "folder")


class ContentStore:
    """Content in one bucket, below one prefix."""

    def __init__(self, s3: Any, bucket: str, prefix: str = "content/") -> None:
        """Takes a client of S3 and a place."""
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix

    def put(self, path: Path) -> Content:
        """Stores a file or a folder.

        Raises:
            FileNotFoundError: there is none.
        """
        if not path.is_dir():
            return Content(self._put_file(path), folder=False)
        files = sorted(each for each in path.rglob("*") if each.is_file())
        with ThreadPoolExecutor(THREADS) as pool:
            digests = pool.map(self._put_file, files)
            return self._put_listing(
                {each.relative_to(path).as_posix(): digest for each, digest in zip(files, digests, strict=True)}
            )

    def get(self, content: Content, path: Path) -> None:
        """Writes content to a path where nothing is.

        Raises:
            ContentError: it is missing, or was changed.
        """
        if not content.folder:
            self._get_file(content.digest, path)
            return
        path.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(lambda each: self._get_file(each[1], path / each[0]), self.files(content).items()):
                pass

    def files(self, folder: Content) -> dict[str, str]:
        """Returns digests of a folder's files by relative name.

        Raises:
            ContentError: the listing is missing, or was changed.
        """
        return dict(line.rsplit(" ", 1) for line in self._read(folder.digest).decode().splitlines())

    def within(self, folder: Content, name: str) -> Content:
        """Returns a file or folder within a folder.

        Raises:
            ContentError: there is no such file.
        """
        files = self.files(folder)
        if name in files:
            return Content(files[name], folder=False)
        inner = {each.removeprefix(f"{name}/"): of for each, of in files.items() if each.startswith(f"{name}/")}
        if not inner:
            raise ContentError(f"there is no {name} in {folder}")
        return self._put_listing(inner)

    def joined(self, parts: Mapping[str, Content]) -> Content:
        """Stores the folder that holds parts by their names."""
        files: dict[str, str] = {}
        for name, part in parts.items():
            inner = self.files(part) if part.folder else {"": part.digest}
            files |= {str(PurePosixPath(name, each)): digest for each, digest in inner.items()}
        return self._put_listing(files)

    def _put_listing(self, files: Mapping[str, str]) -> Content:
        # The order in which paths sort, which is not that of their texts.
        names = sorted(files, key=lambda name: PurePosixPath(name).parts)
        text = "".join(f"{name} {files[name]}\n" for name in names).encode()
        digest = hashlib.sha256(text).hexdigest()
        if not self._fresh(digest):
            self._s3.put_object(Bucket=self._bucket, Key=self._key(digest), Body=text, ChecksumAlgorithm="SHA256")
        return Content(digest, folder=True)

    def _put_file(self, path: Path) -> str:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not self._fresh(digest):
            extra = {"ChecksumAlgorithm": "SHA256"}
            self._s3.upload_file(str(path), self._bucket, self._key(digest), ExtraArgs=extra)
        return digest

    def _fresh(self, digest: str) -> bool:
        try:
            written: datetime = self._s3.head_object(Bucket=self._bucket, Key=self._key(digest))["LastModified"]
        except ClientError as error:
            if _missing(error):
                return False
            raise
        return is_fresh(written)

    def _get_file(self, digest: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.name}.part")
        found = hashlib.sha256()
        with scratch.open("wb") as file:
            for part in self._stream(digest):
                found.update(part)
                file.write(part)
        self._require(digest, found.hexdigest())
        scratch.replace(path)

    def _read(self, digest: str) -> bytes:
        content = b"".join(self._stream(digest))
        self._require(digest, hashlib.sha256(content).hexdigest())
        return content

    def _stream(self, digest: str) -> Iterator[bytes]:
        try:
            body: Iterable[bytes] = self._s3.get_object(Bucket=self._bucket, Key=self._key(digest))["Body"]
        except ClientError as error:
            if _missing(error):
                raise ContentError(
                    f"{digest} is not stored, or was deleted {KEPT_DAYS} days after it was made"
                ) from None
            raise
        yield from body

    def _require(self, digest: str, found: str) -> None:
        if found != digest:
            raise ContentError(f"{digest} was changed in the store: it is {found}")

    def _key(self, digest: str) -> str:
        return f"{self._prefix}{digest}"


def is_fresh(written: datetime) -> bool:
    """Returns whether something written then may still be relied on."""
    return datetime.now(UTC) - written < timedelta(days=FRESH_DAYS)


def _missing(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}
