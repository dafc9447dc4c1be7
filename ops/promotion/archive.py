"""Builds a released revision with another bundle: `python -m ops.promotion.archive --stage S --release ARCHIVE`.

Writes .build/release-<stage>.tar.gz: the given archive, or, if it does not hold the champion of the stage, its revision
built again with the champion. No line of code differs then: the revision is checked out beside this one, and built by
its own `make release`. The build gets no credentials; the bundle was fetched, and verified, before.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3

from ops.promotion.bundle import BundleCache
from ops.promotion.stage import FAILURES, SHORT, registry_of, service_stack
from ops.registry.client import ModelRegistry
from ops.release import ARCHIVE
from ops.synthesis import ROOT

# Neither credentials nor the variables of the make that runs this reach the build.
WITHHELD = ("AWS_", "MAKE", "MFLAGS")
# What is fetched by digest, and verified on every use.
SHARED = ("cache", "models")

# Called with a command, its folder and its environment.
type Run = Callable[[list[str], Path, Mapping[str, str]], object]


class BuildError(Exception):
    """The revision cannot be built with the bundle; the message says why."""


@dataclass(frozen=True, slots=True)
class ReleaseIdentity:
    """Release and model that an archive deploys to a stage.

    Attributes:
        release: id of the release.
        model: digest of its bundle; empty for an archive of before the registry.
    """

    release: str
    model: str

    @property
    def revision(self) -> str:
        """Commit of which the release was built.

        Raises:
            BuildError: it was built of changed files, which nobody can check out again.
        """
        revision = self.release.split(" ")[0]
        if revision.endswith("-dirty") or revision in {"unknown", "unreleased"}:
            raise BuildError(f"release {self.release!r} is none of a commit, so it cannot be built again: deploy one")
        return revision


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    try:
        subprocess.run(command, cwd=folder, env=environment, check=True)
    except subprocess.CalledProcessError as error:
        raise BuildError(f"`{' '.join(command)}` failed with status {error.returncode}") from error


@dataclass(frozen=True, slots=True)
class ReleaseBuild:
    """Builds archives of revisions.

    Attributes:
        stage: one of cdk.json, to which they are deployed.
        root: folder of the repository.
        run: runs commands.
    """

    stage: str
    root: Path = ROOT
    run: Run = _run

    def build(self, revision: str, digest: str) -> Path:
        """Returns the archive of a revision with a bundle that is in the cache.

        Raises:
            BuildError: it cannot be built.
        """
        tree = self.root / ".build" / "promotion" / self.stage
        self._check_out(revision, tree)
        self.run(["make", "release", f"BUNDLE={digest}"], tree, build_environment(os.environ))
        built = identity(tree / ARCHIVE, self.stage)
        if built.model != digest:
            raise BuildError(f"{revision} was built with model {built.model[:SHORT] or '?'}, not {digest[:SHORT]}")
        archive = shutil.move(tree / ARCHIVE, self.archive)
        self._remove(tree)
        return Path(archive)

    @property
    def archive(self) -> Path:
        """The archive of the stage."""
        return self.root / ".build" / f"release-{self.stage}.tar.gz"

    def _check_out(self, revision: str, tree: Path) -> None:
        self._remove(tree)
        tree.parent.mkdir(parents=True, exist_ok=True)
        self.run(["git", "worktree", "add", "--detach", str(tree), f"{revision}^{{commit}}"], self.root, os.environ)
        (tree / ".build").mkdir()
        for name in SHARED:
            (self.root / ".build" / name).mkdir(exist_ok=True)
            (tree / ".build" / name).symlink_to(self.root / ".build" / name)

    def _remove(self, tree: Path) -> None:
        """Removes a checkout, also one that a killed run left behind."""
        shutil.rmtree(tree, ignore_errors=True)
        self.run(["git", "worktree", "prune"], self.root, os.environ)


def build_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables that a build gets."""
    return {name: value for name, value in environment.items() if not name.startswith(WITHHELD)}


def identity(archive: Path, stage: str) -> ReleaseIdentity:
    """Reads what an archive deploys to a stage."""
    with tarfile.open(archive) as packed:
        template = packed.extractfile(f"Bonafide-{stage}-Service.template.json")
        assert template
        outputs = json.load(template)["Outputs"]
    return ReleaseIdentity(outputs["Release"]["Value"], outputs.get("Model", {}).get("Value", ""))


def with_champion(build: ReleaseBuild, archive: Path, registry: ModelRegistry | None) -> Path:
    """Writes the archive of a stage with the champion of its registry; returns it.

    Raises:
        BuildError: its revision cannot be built again.
    """
    given = identity(archive, build.stage)
    champion = registry.aliases()["champion"] if registry else None
    if registry is None or champion in {None, given.model}:
        if archive.resolve() != build.archive.resolve():
            shutil.copyfile(archive, build.archive)
        return build.archive
    print(f"{given.release}: built again with the champion {champion[:SHORT]}", file=sys.stderr, flush=True)
    BundleCache(build.root / ".build" / "models").fetch(champion, registry.download)
    return build.build(given.revision, champion)


def main() -> int:
    """Runs the command; returns 0 if the archive of the stage is there."""
    parser = argparse.ArgumentParser(description="Build an archive's revision with the champion of a stage.")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--release", type=Path, default=ARCHIVE, help="archive of the release")
    given = parser.parse_args()
    try:
        stack = service_stack(boto3.client("cloudformation"), given.stage)
        registry = registry_of(given.stage) if stack and "Model" in stack.outputs else None
        print(with_champion(ReleaseBuild(given.stage), given.release, registry).relative_to(ROOT))
    except (BuildError, *FAILURES) as error:
        sys.exit(f"champion: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
