"""Moves the voiceprints of a domain to the embedding space of the deployed bundle.

    python -m ops.migration status|voiceprints|complete --stage S --domain D [--apply] [--rate N] [--bundle DIRECTORY]

`status` counts speakers by space. `voiceprints` makes voiceprints in the newest space from the enrollment audio that
the domain keeps, with the code and the bundle that serve, and stores them beside the former ones. `complete` removes
the former ones where the newest is complete. Each may be killed and repeated. docs/operations/embedding-spaces.md.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from bonafide.adapters.bundle import BundleFiles
from bonafide.adapters.onnx import Bundle
from bonafide.adapters.s3 import S3AudioStore
from bonafide.errors import BonafideError
from bonafide.ports.stores import DomainStore
from bonafide.services.shared.recordings import Recordings
from bonafide.services.voiceprints.migration import SpaceMigration
from ops.migration.progress import SpaceCount, show_progress
from ops.migration.releases import NotReadyError, ServedBundles, writes_protected
from ops.migration.voiceprints import CALLS, protected_store, speakers
from ops.restore import AUDIO, data_resources

BUNDLE = Path(".build/layers/model/bundle")

type ReadBundles = Callable[[str, Callable[..., Any]], ServedBundles]
# Each speaker costs one write, and a second or so of this machine for each recording.
SPEAKERS_A_SECOND = 5.0


def main() -> int:
    """Runs the command; returns 0 if it could be done."""
    given = arguments()
    try:
        print(run(given, boto3.client))
    except (NotReadyError, BonafideError, BotoCoreError, ClientError) as error:
        sys.exit(f"migration: {error}")
    if given.action != "status" and not given.apply:
        print("Nothing was written. The same command with --apply writes (make: APPLY=yes).")
    return 0


def run(given: argparse.Namespace, connect: Callable[..., Any], bundles: ReadBundles = ServedBundles.read) -> str:
    """Runs an action; returns its report.

    Args:
        given: action and options.
        connect: makes a client of a service.
        bundles: says what a stage serves.

    Raises:
        NotReadyError: the stage does not serve this bundle, or the release before could still need what is removed.
    """
    files = BundleFiles.open(given.bundle)
    served = bundles(given.stage, connect)
    (served.require_settled if given.action == "complete" else served.require_live)(files.digest)
    names = data_resources(connect("cloudformation"), given.stage)
    store, _ = protected_store(given.stage, connect, writes=writes_protected(given.stage, connect))
    domain = store.domain(given.domain)
    if domain is None:
        raise NotReadyError(f"there is no domain {given.domain}")
    if given.action == "status":
        return str(SpaceCount.of(speakers(store, given.domain), files.manifest["embedding_space"], domain.policy))
    recordings = Recordings(S3AudioStore(connect("s3", config=CALLS), names[AUDIO]))
    migration = SpaceMigration(store, Bundle.load(given.bundle, files.digest, liveness=False), recordings)
    return _each_speaker(given, store, migration)


def _each_speaker(given: argparse.Namespace, store: DomainStore, migration: SpaceMigration) -> str:
    outcomes: Counter[str] = Counter()
    waiting = []
    for number, each in enumerate(speakers(store, given.domain), 1):
        started = time.monotonic()
        if given.action == "complete":
            removed = migration.complete(given.domain, each.speaker, apply=given.apply)
            outcome = "former voiceprint removed" if removed else "left as it is"
        else:
            outcome = migration.migrate(given.domain, each.speaker, apply=given.apply)
        outcomes[outcome] += 1
        if "next enrollment" in outcome:
            waiting.append(f"  waits: {each.speaker}")
        show_progress(number, outcome)
        time.sleep(max(0.0, 1 / given.rate - (time.monotonic() - started)))
    return "\n".join([*(f"{count:6} {outcome}" for outcome, count in outcomes.most_common()), *waiting])


def arguments(line: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Move a domain's voiceprints to the deployed bundle's space.")
    parser.add_argument("action", choices=["status", "voiceprints", "complete"])
    parser.add_argument("--stage", required=True, help="one of cdk.json, in the account and region of the environment")
    parser.add_argument("--domain", required=True)
    parser.add_argument("--apply", action="store_true", help="write; otherwise only say what would be written")
    parser.add_argument("--rate", type=float, default=SPEAKERS_A_SECOND, help="speakers a second at most")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="the bundle that the stage serves")
    return parser.parse_args(line)


if __name__ == "__main__":
    sys.exit(main())
