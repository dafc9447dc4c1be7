"""What is uploaded and what is received is what the digests name, or nothing."""

import json
from pathlib import Path

import pytest

from ops.registry.artifact import Artifact, TamperedFileError, listed_files, receive
from tests.services.models.parts import Candidate, sha256


def written(candidate: Candidate, folder: Path) -> Path:
    for name, content in {"manifest.json": candidate.text.encode(), **candidate.files}.items():
        (folder / name).write_bytes(content)
    return folder


def test_an_artifact_has_the_digest_of_its_manifest_and_offers_sizes_and_documents(tmp_path: Path) -> None:
    candidate = Candidate()
    (tmp_path / "bundle").mkdir()
    (tmp_path / "data.csv").write_bytes(b"path\n")
    artifact = Artifact.of(written(candidate, tmp_path / "bundle"), [tmp_path / "data.csv"])
    offer = artifact.offer()
    assert (artifact.digest, offer["manifest"]) == (candidate.digest, candidate.text)
    assert {file["name"]: file["bytes"] for file in offer["files"]} == candidate.sizes
    assert offer["documents"] == [{"name": "data.csv", "sha256": sha256(b"path\n"), "bytes": 5}]


@pytest.mark.parametrize("name", ["speaker.onnx", "calibration.json"])
def test_a_tampered_or_missing_file_is_named_before_anything_is_sent(tmp_path: Path, name: str) -> None:
    written(Candidate(), tmp_path)
    (tmp_path / name).write_bytes(b"tampered")
    with pytest.raises(TamperedFileError, match=name.replace(".", r"\.")) as raised:
        Artifact.of(tmp_path)
    assert raised.value.name == name
    (tmp_path / name).unlink()
    with pytest.raises(TamperedFileError, match=name.replace(".", r"\.")):
        Artifact.of(tmp_path)


@pytest.mark.parametrize("name", ["../escape", "a/b", "/etc/passwd", ".hidden", "", "a\n"])
def test_a_manifest_cannot_lead_out_of_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(TamperedFileError):
        listed_files(json.dumps({"files": {name: "0" * 64}}))
    with pytest.raises(TamperedFileError):
        receive([b""], name, sha256(b""), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", "null"])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(TamperedFileError, match=r"manifest\.json"):
        listed_files(text)


def test_a_received_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(TamperedFileError, match=r"speaker\.onnx"):
        receive([b"tam", b"pered"], "speaker.onnx", sha256(b"speaker"), tmp_path)
    assert list(tmp_path.iterdir()) == []
    receive([b"spea", b"ker"], "speaker.onnx", sha256(b"speaker"), tmp_path)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"speaker"]


def test_a_transfer_that_breaks_off_leaves_the_former_file(tmp_path: Path) -> None:
    (tmp_path / "speaker.onnx").write_bytes(b"former")

    def broken() -> object:
        yield b"spea"
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        receive(broken(), "speaker.onnx", sha256(b"speaker"), tmp_path)  # type: ignore[arg-type]
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"former"]
