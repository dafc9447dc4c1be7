"""Bundles by their digest: nothing that was tampered with gets into a layer."""

import json
from pathlib import Path

import pytest

from bonafide.adapters.bundle import BundleCorrupt
from ops.promotion.bundle import BundleCache, UnknownBundle, install, is_there, named, source, verify
from ops.registry.__main__ import UnknownNameError
from tests.ops.promotion.parts import FIRST, SECOND, RegistryClient, write
from tests.services.models.parts import Candidate


@pytest.fixture
def registry() -> RegistryClient:
    return RegistryClient()


@pytest.fixture
def cache(tmp_path: Path) -> BundleCache:
    return BundleCache(tmp_path / "models")


def test_a_bundle_gets_into_the_layer_whole_and_without_its_documents(
    registry: RegistryClient, cache: BundleCache, tmp_path: Path
) -> None:
    out = tmp_path / "layer" / "bundle"
    install(cache.fetch(FIRST.digest, registry.download), FIRST.digest, out)
    assert {path.name for path in out.iterdir()} == {"manifest.json", *FIRST.files}
    assert is_there(FIRST.digest, out)
    assert not is_there(SECOND.digest, out)
    install(cache.fetch(SECOND.digest, registry.download), SECOND.digest, out)
    assert (out / "speaker.onnx").read_bytes() == SECOND.files["speaker.onnx"]
    assert [path.name for path in out.parent.iterdir()] == ["bundle"]


def test_what_is_kept_is_verified_whenever_it_is_used_and_fetched_again_if_it_changed(
    registry: RegistryClient, cache: BundleCache
) -> None:
    kept = cache.fetch(FIRST.digest, registry.download)
    assert cache.fetch(FIRST.digest, registry.download) == kept
    assert registry.downloads == 1
    (kept / "speaker.onnx").write_bytes(b"tampered")
    assert cache.find(FIRST.digest) is None
    assert verify(cache.fetch(FIRST.digest, registry.download), FIRST.digest)
    assert registry.downloads == 2


@pytest.mark.parametrize("name", ["manifest.json", "speaker.onnx", "calibration.json"])
def test_a_tampered_artifact_gets_neither_into_the_cache_nor_into_a_layer(
    name: str, registry: RegistryClient, cache: BundleCache, tmp_path: Path
) -> None:
    def tampered(digest: str, folder: Path) -> None:
        registry.download(digest, folder)
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    with pytest.raises(BundleCorrupt):
        cache.fetch(FIRST.digest, tampered)
    assert list(cache.folder.iterdir()) == []
    tampered(FIRST.digest, tmp_path / "folder")
    with pytest.raises(BundleCorrupt):
        install(tmp_path / "folder", FIRST.digest, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_a_layer_that_somebody_added_a_file_to_is_no_longer_the_bundle(tmp_path: Path) -> None:
    install(write(tmp_path / "from", FIRST), FIRST.digest, tmp_path / "bundle")
    (tmp_path / "bundle" / "added.py").write_text("")
    assert not is_there(FIRST.digest, tmp_path / "bundle")


@pytest.mark.parametrize("name", ["../speaker.onnx", "/etc/passwd", "manifest.json", ".hidden", "a/b"])
def test_a_manifest_cannot_name_files_elsewhere(name: str, tmp_path: Path) -> None:
    odd = Candidate("odd", {"files": {name: "0" * 64}})
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "manifest.json").write_text(odd.text)
    with pytest.raises(BundleCorrupt, match="not the name of a file"):
        verify(tmp_path / "odd", odd.digest)


def test_a_bundle_of_another_contract_than_the_code_serves_is_refused(tmp_path: Path) -> None:
    for contract in (2, "1", None):
        odd = Candidate("odd", {"contract": contract})
        with pytest.raises(BundleCorrupt, match="contract"):
            install(write(tmp_path / f"odd-{contract}", odd), odd.digest, tmp_path / "bundle")
    served = Candidate("served", {"contract": 1})
    install(write(tmp_path / "served", served), served.digest, tmp_path / "bundle")
    assert json.loads((tmp_path / "bundle/manifest.json").read_text())["contract"] == 1


def test_of_two_builds_that_fetch_a_bundle_at_once_both_have_it(registry: RegistryClient, cache: BundleCache) -> None:
    def slow(digest: str, folder: Path) -> None:
        registry.download(digest, folder)
        other = BundleCache(cache.folder)
        if not other.find(digest):
            other.fetch(digest, registry.download)

    assert verify(cache.fetch(FIRST.digest, slow), FIRST.digest)
    assert [path.name for path in cache.folder.iterdir()] == [FIRST.digest]


def test_a_bundle_is_named_by_its_digest_or_as_its_registry_names_it(registry: RegistryClient) -> None:
    assert named(FIRST.digest, None) == FIRST.digest
    with pytest.raises(UnknownBundle, match="STAGE= or ENDPOINT="):
        named("champion", None)
    with pytest.raises(UnknownNameError):
        named("champion", registry)  # type: ignore[arg-type]  # the calls that it needs
    registry.champion(SECOND)
    assert named("champion", registry) == SECOND.digest  # type: ignore[arg-type]


def test_without_a_registry_only_the_repositorys_own_bundle_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layers.model.build.build", lambda folder: write(folder, FIRST))
    cache = BundleCache(tmp_path / "models")
    assert cache.fetch(FIRST.digest, source(None)).name == FIRST.digest
    with pytest.raises(UnknownBundle, match="name its registry"):
        cache.fetch(SECOND.digest, source(None))
