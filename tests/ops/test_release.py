"""One archive for all stages."""

import json
import re
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from layers.packages import sha256
from ops.release import BUNDLE, build, identify, merge, pack
from ops.synthesis import ROOT

MODEL = "0a" * 32


def test_equal_content_makes_an_equal_archive_whenever_it_is_packed(tmp_path: Path) -> None:
    archives = []
    for name in ("once", "again"):
        folder = tmp_path / name
        (folder / "asset").mkdir(parents=True)
        (folder / "asset" / "handler.py").write_text("x = 1\n")
        archives.append(pack(folder, tmp_path / f"{name}.tar.gz").read_bytes())
    assert archives[0] == archives[1]


def test_an_archive_unpacks_to_what_was_packed(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "manifest.json").write_text("{}")
    with tarfile.open(pack(tmp_path / "from", tmp_path / "archive")) as archive:
        archive.extractall(tmp_path / "to", filter="data")
    assert (tmp_path / "to" / "manifest.json").read_text() == "{}"


def test_the_stacks_of_all_stages_are_in_one_manifest() -> None:
    one, other = ({"version": "1", "artifacts": {name: {"type": "stack"}}} for name in ("dev", "production"))
    assert merge([one, other]) == {
        "version": "1",
        "artifacts": {"dev": {"type": "stack"}, "production": {"type": "stack"}},
    }


def test_a_release_is_known_by_its_revision_its_time_and_its_model(tmp_path: Path) -> None:
    built = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
    assert identify(tmp_path, built, MODEL) == "unknown 2026-01-31T10:00:00Z model 0a0a0a0a0a0a"
    assert re.fullmatch(r"[0-9a-f]{12}(-dirty)? 2026-01-31T10:00:00Z model 0a0a0a0a0a0a", identify(ROOT, built, MODEL))
    assert identify(ROOT, built, MODEL) != identify(ROOT, built + timedelta(seconds=1), MODEL)
    assert identify(ROOT, built, MODEL) != identify(ROOT, built, "0b" * 32)


def test_templates_that_depend_on_an_account_are_refused() -> None:
    with pytest.raises(ValueError, match="account"):
        merge([{"artifacts": {}, "missing": [{"key": "availability-zones"}]}])


def test_a_release_comes_with_the_bill_of_its_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cdk.json").write_text('{"context": {"stages": {"dev": {}}}}')
    (tmp_path / BUNDLE).parent.mkdir(parents=True)
    (tmp_path / BUNDLE).write_text("{}")
    released: list[str] = []

    def synthesized(_: Path, out: Path, stage: str, *, release: str) -> None:
        assert stage == "dev"
        released.append(release)
        out.mkdir(parents=True)
        (out / "manifest.json").write_text('{"version": "1", "artifacts": {}}')

    monkeypatch.setattr("ops.release.run_app", synthesized)
    archive = build(tmp_path)
    subject = json.loads((archive.parent / "release.cdx.json").read_text())["metadata"]["component"]
    assert subject["hashes"] == [{"alg": "SHA-256", "content": sha256(archive)}]
    assert [each["value"] for each in subject["properties"]] == released
