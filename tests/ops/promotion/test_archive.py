"""A revision is built again with another bundle, and nothing else."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from ops.promotion.archive import BuildError, ReleaseBuild, ReleaseIdentity, build_environment, identity, with_champion
from ops.release import ARCHIVE, pack
from tests.ops.promotion.parts import FIRST, SECOND, RegistryClient

RELEASE = "1f2e3d4c5b6a 2026-01-01T10:00:00Z model 0a0a0a0a0a0a"


def archive(folder: Path, model: str, release: str = RELEASE) -> Path:
    """Packs an archive of one stage."""
    templates = folder / "templates"
    templates.mkdir(parents=True, exist_ok=True)
    outputs = {"Release": {"Value": release}} | ({"Model": {"Value": model}} if model else {})
    (templates / "Bonafide-dev-Service.template.json").write_text(json.dumps({"Outputs": outputs}))
    (folder / ARCHIVE).parent.mkdir(parents=True, exist_ok=True)
    return pack(templates, folder / ARCHIVE)


class Builds:
    """Commands that were run; a build makes an archive with a model."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.commands: list[list[str]] = []
        self.environments: list[Mapping[str, str]] = []

    def __call__(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.commands.append(command)
        self.environments.append(environment)
        if command[:3] == ["git", "worktree", "add"]:
            Path(command[4]).mkdir()
        if command[0] == "make":
            assert (folder / ".build" / "models").resolve() == folder.parent.parent / "models"
            archive(folder, self.model)


def test_the_archive_of_a_stage_holds_its_champion_built_of_the_same_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, run = RegistryClient(), Builds(SECOND.digest)
    registry.champion(SECOND)
    given = archive(tmp_path, FIRST.digest)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    monkeypatch.setenv("MAKEFLAGS", "-- RELEASE=other.tar.gz")
    made = with_champion(ReleaseBuild("dev", tmp_path, run), given, registry)  # type: ignore[arg-type]
    assert made == tmp_path / ".build/release-dev.tar.gz"
    assert identity(made, "dev").model == SECOND.digest
    tree = str(tmp_path / ".build/promotion/dev")
    added = ["git", "worktree", "add", "--detach", tree, "1f2e3d4c5b6a^{commit}"]
    prune = ["git", "worktree", "prune"]
    assert run.commands == [prune, added, ["make", "release", f"BUNDLE={SECOND.digest}"], prune]
    assert not {"AWS_SESSION_TOKEN", "MAKEFLAGS"} & run.environments[2].keys()
    assert (tmp_path / ".build/models" / SECOND.digest).is_dir()
    assert not Path(tree).exists()


@pytest.mark.parametrize("champion", [None, FIRST])
def test_an_archive_with_the_champion_is_taken_as_it_is(tmp_path: Path, champion: object) -> None:
    registry = RegistryClient()
    if champion:
        registry.champion(FIRST)
    given = archive(tmp_path, FIRST.digest)
    made = with_champion(ReleaseBuild("dev", tmp_path, pytest.fail), given, registry)  # type: ignore[arg-type]
    assert made.read_bytes() == given.read_bytes()
    assert with_champion(ReleaseBuild("dev", tmp_path, pytest.fail), given, None) == made


def test_what_was_built_with_another_model_is_not_deployed(tmp_path: Path) -> None:
    # Such as a revision of before bundles had digests to be named by.
    with pytest.raises(BuildError, match="was built with model"):
        ReleaseBuild("dev", tmp_path, Builds(FIRST.digest)).build("1f2e", SECOND.digest)


@pytest.mark.parametrize("release", ["1f2e3d4c5b6a-dirty 2026", "unknown 2026", "unreleased"])
def test_what_is_of_no_commit_cannot_be_built_again(release: str) -> None:
    with pytest.raises(BuildError, match="deploy one"):
        _ = ReleaseIdentity(release, "").revision
    assert ReleaseIdentity(RELEASE, "").revision == "1f2e3d4c5b6a"


def test_a_build_gets_no_credentials() -> None:
    given = {"AWS_ROLE_ARN": "r", "AWS_WEB_IDENTITY_TOKEN_FILE": "t", "MAKELEVEL": "1", "PATH": "/bin", "HOME": "/root"}
    assert build_environment(given) == {"PATH": "/bin", "HOME": "/root"}
