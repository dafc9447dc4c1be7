"""The registry of model versions: `python -m ops.registry (--stage S | --endpoint URL) [--json] COMMAND ...`.

Versions are named by their digest, by its first digits, or by an alias: champion, challenger, previous.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bonafide_client import BonafideClientError, Client, ProblemError
from ops.registry import text
from ops.registry.artifact import Artifact, TamperedFileError
from ops.registry.client import ModelRegistry, TransferError
from ops.registry.progress import TransferBar
from ops.registry.verification import FileCheck, check_folder, check_registry
from ops.target import NotDeployedError, add_target, url_of

FULL_DIGEST = 64
ALIASES = ("champion", "challenger", "previous")
# What `documents` of a trained candidate hold is kept with the version, whatever it is.
DOCUMENTS = "documents"

# A result for machines, and its text for people.
type Shown = tuple[Any, str]


class UnknownNameError(Exception):
    """No version, or more than one, has such a name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns 0 if it did what it was asked to."""
    given = parser().parse_args(arguments)
    try:
        with Client(url_of(given)) as client, TransferBar() as bar:
            result, lines = given.run(ModelRegistry(client, bar), given)
    except ProblemError as problem:
        print(explained(problem), file=sys.stderr)
        return 1
    except (
        BonafideClientError,
        TamperedFileError,
        TransferError,
        UnknownNameError,
        NotDeployedError,
        BotoCoreError,
        ClientError,
    ) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(result, indent=2) if given.json else lines)
    return 3 if given.run is verify and not all(check["passed"] for check in result) else 0


def explained(problem: ProblemError) -> str:
    """Returns a refusal with the fields that it names."""
    lines = [str(problem)]
    for error in problem.errors:
        bounds = [f"{name} {error[name]}" for name in ("limit", "found") if error.get(name) is not None]
        lines.append(f"  {error.get('field')}: {', '.join(bounds)}")
    return "\n".join(lines)


def resolved(registry: ModelRegistry, name: str) -> str:
    """Returns the digest of a version by its name.

    Raises:
        UnknownNameError: there is none, or more than one.
    """
    if name in ALIASES:
        found: str | None = registry.aliases()[name]
        if found is None:
            raise UnknownNameError(f"no version is {name}")
        return found
    if len(name) == FULL_DIGEST:
        return name
    matching = [version["digest"] for version in registry.versions() if version["digest"].startswith(name)]
    if len(matching) != 1:
        raise UnknownNameError(f"{len(matching)} registered versions have a digest that begins with {name!r}")
    return str(matching[0])


def list_versions(registry: ModelRegistry, _: argparse.Namespace) -> Shown:
    """Lists registered versions, the newest first."""
    versions, aliases = registry.versions(), registry.aliases()
    return {"versions": versions, "aliases": aliases}, text.listed(versions, aliases)


def aliases(registry: ModelRegistry, _: argparse.Namespace) -> Shown:
    """Shows where the aliases point, and what is pending."""
    found = registry.aliases()
    return found, text.aliases_shown(found)


def show(registry: ModelRegistry, given: argparse.Namespace) -> Shown:
    """Shows one version: lineage, files, gates."""
    found = registry.version(resolved(registry, given.version))
    return found, text.shown(found)


def compare(registry: ModelRegistry, given: argparse.Namespace) -> Shown:
    """Shows two versions side by side: files, calibration, metrics, gates."""
    one, other = (registry.version(resolved(registry, name)) for name in (given.version, given.other))
    return [one, other], text.compared(one, other)


def register(registry: ModelRegistry, given: argparse.Namespace) -> Shown:
    """Uploads a bundle with its documents and registers it."""
    bundle, documents = candidate(given.folder, given.document)
    digest = registry.register(bundle, documents, given.reason)
    return {"digest": digest}, f"registered {digest}"


def candidate(folder: Path, documents: Sequence[Path]) -> tuple[Path, list[Path]]:
    """Returns bundle and documents of a folder: a bundle, or what training leaves, `bundle` beside `documents`."""
    if not (folder / "bundle").is_dir():
        return folder, list(documents)
    beside = folder / DOCUMENTS
    return folder / "bundle", [*documents, *(sorted(beside.iterdir()) if beside.is_dir() else ())]


def challenge(registry: ModelRegistry, given: argparse.Namespace) -> Shown:
    """Makes a version the challenger."""
    found = registry.challenge(resolved(registry, given.version), given.reason)
    return found, f"challenger is {found['digest']}"


def promote(registry: ModelRegistry, given: argparse.Namespace) -> Shown:
    """Asks the release pipeline to make a version the champion."""
    id_ = registry.promote(resolved(registry, given.version), given.reason, given.override)
    return _requested(registry, id_)


def rollback(registry: ModelRegistry, given: argparse.Namespace) -> Shown:
    """Asks the release pipeline to go back to the champion before."""
    return _requested(registry, registry.rollback(given.reason, given.override))


def _requested(registry: ModelRegistry, id_: str) -> Shown:
    found = registry.promotion(id_)
    return found, text.promotion_shown(found)


def promotion(registry: ModelRegistry, given: argparse.Namespace) -> Shown:
    """Shows how far a promotion is."""
    return _requested(registry, given.id)


def complete(registry: ModelRegistry, given: argparse.Namespace) -> Shown:
    """Reports the outcome of a promotion, as the release pipeline does, or for one that died."""
    found = registry.complete(given.id, given.succeeded, given.release, given.detail)
    return found, text.promotion_shown(found)


def history(registry: ModelRegistry, given: argparse.Namespace) -> Shown:
    """Shows who moved what, when and why, the newest first."""
    found = list(islice(registry.history(), given.limit))
    return found, "\n".join(map(text.history_line, found)) or "the history is empty"


def verify(registry: ModelRegistry, given: argparse.Namespace) -> Shown:
    """Checks every byte of a version: of a folder, or of what the registry stores. Exit status 3: a file differs."""
    digest = resolved(registry, given.version)
    checks = check_folder(registry, digest, given.folder) if given.folder else check_registry(registry, digest)
    return _checked(checks)


def _checked(checks: Iterable[FileCheck]) -> Shown:
    found = list(checks)
    documents = [
        {"name": check.name, "expected": check.expected, "found": check.found, "passed": check.passed}
        for check in found
    ]
    return documents, "\n".join(map(str, found))


def download(registry: ModelRegistry, given: argparse.Namespace) -> Shown:
    """Writes a version's bundle into a folder, verified."""
    digest = resolved(registry, given.version)
    registry.download(digest, given.folder, documents=given.documents)
    Artifact.of(given.folder)
    return {"digest": digest, "folder": str(given.folder)}, f"{digest} is in {given.folder}"


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    main_parser = argparse.ArgumentParser(prog="ops.registry", description=__doc__)
    add_target(main_parser)
    main_parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    commands = main_parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[ModelRegistry, argparse.Namespace], Shown], *versions: str) -> Any:
        added = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        added.set_defaults(run=run)
        for version in versions:
            added.add_argument(version, help="digest, its first digits, champion, challenger or previous")
        return added

    command("list", list_versions)
    command("aliases", aliases)
    command("show", show, "version")
    command("compare", compare, "version", "other")
    _add_moves(command)
    added = command("history", history)
    added.add_argument("--limit", type=int, default=50, help="entries, 50 by default")
    added = command("verify", verify, "version")
    added.add_argument("--folder", type=Path, help="a bundle on disk, instead of what the registry stores")
    added = command("download", download, "version")
    added.add_argument("folder", type=Path)
    added.add_argument("--documents", action="store_true", help="the documents too")
    return main_parser


def _add_moves(command: Callable[..., Any]) -> None:
    """Adds the commands that change the registry."""
    added = command("register", register)
    added.add_argument("folder", type=Path, help="a bundle, or a folder with `bundle` and `documents`")
    added.add_argument("--document", type=Path, action="append", default=[], help="kept with the version; repeatable")
    moves = [command("promote", promote, "version"), command("rollback", rollback)]
    for each in moves:
        each.add_argument("--override", help="why, although the version would be refused")
    for each in (added, command("challenge", challenge, "version"), *moves):
        each.add_argument("--reason", required=True, help="for the history, without personal data")
    added = command("promotion", promotion)
    added.add_argument("id")
    added = command("complete", complete)
    added.add_argument("id")
    outcome = added.add_mutually_exclusive_group(required=True)
    outcome.add_argument("--succeeded", action="store_true", default=False)
    outcome.add_argument("--failed", dest="succeeded", action="store_false")
    added.add_argument("--release", required=True, help="what was deployed or taken back")
    added.add_argument("--detail", required=True, help="what happened")


if __name__ == "__main__":
    sys.exit(main())
