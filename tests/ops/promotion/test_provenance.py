"""An archive is used only if it is known where it comes from."""

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from layers.packages import sha256
from ops.promotion.archive import BuildError
from ops.promotion.provenance import Provenance, ProvenanceError, verify

REVISION = "0123456789ab" + "c" * 28


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return written(tmp_path / "release.tar.gz", REVISION[:12])


def written(path: Path, revision: str) -> Path:
    """An archive of one template."""
    template = {"Outputs": {"Release": {"Value": f"{revision} 2026-01-31T10:00:00Z model 0a0a0a0a0a0a"}}}
    content = json.dumps(template).encode()
    with tarfile.open(path, "w:gz") as packed:
        member = tarfile.TarInfo("Bonafide-dev-Service.template.json")
        member.size = len(content)
        packed.addfile(member, io.BytesIO(content))
    return path


def refuse(command: list[str]) -> None:
    raise subprocess.CalledProcessError(1, command)


def test_github_is_asked_for_an_attestation_by_the_workflow_on_main_on_a_machine_of_its_own(archive: Path) -> None:
    commands: list[list[str]] = []
    verify(archive, Provenance("owner/name", revision=REVISION), commands.append)
    assert commands == [
        [
            *("gh", "attestation", "verify", str(archive), "--repo", "owner/name"),
            *("--signer-workflow", "owner/name/.github/workflows/release.yml"),
            *("--source-ref", "refs/heads/main", "--deny-self-hosted-runners"),
        ]
    ]


def test_an_archive_that_nobody_attested_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "release.tar.gz").write_bytes(b"no archive at all")
    with pytest.raises(ProvenanceError, match="no attestation"):
        verify(tmp_path / "release.tar.gz", Provenance("owner/name", revision=REVISION), refuse)


def test_a_machine_without_the_command_verifies_nothing(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ProvenanceError, match="no attestation"):
        verify(archive, Provenance("owner/name"))


def test_an_attested_archive_of_another_revision_is_refused(archive: Path) -> None:
    with pytest.raises(ProvenanceError, match="was built of 0123456789ab, not of f"):
        verify(archive, Provenance("owner/name", revision="f" * 40), lambda _: None)


def test_an_archive_of_changed_files_is_of_no_revision(tmp_path: Path) -> None:
    changed = written(tmp_path / "changed.tar.gz", "0123456789ab-dirty")
    with pytest.raises(BuildError):
        verify(changed, Provenance(digest=sha256(changed), revision=REVISION))


def test_an_archive_that_changed_since_it_was_built_is_refused(archive: Path) -> None:
    recorded = Provenance(digest=sha256(archive), revision=REVISION)
    verify(archive, recorded)
    content = bytearray(archive.read_bytes())
    content[-9] ^= 1
    archive.write_bytes(content)
    with pytest.raises(ProvenanceError, match="not what was built"):
        verify(archive, recorded)


def test_an_archive_of_which_nothing_is_known_is_refused(archive: Path) -> None:
    with pytest.raises(ProvenanceError, match="name a repository or a digest"):
        verify(archive, Provenance(revision=REVISION))
