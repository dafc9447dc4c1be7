"""Verifies the archive of a domain's decisions, or replays decisions out of it.

    python -m ops.ledger verify --stage S --domain D [--day DAY ...] [--root DAY=HEX]
    python -m ops.ledger replay --stage S --domain D [--day DAY ...] [--decision ID] [--count N] [--bundle FOLDER]

`verify` names each record that was removed, changed or inserted since its day was sealed. `replay` judges decisions
again by their stored scores. Both read with the credentials of the environment; with AWS_ENDPOINT_URL also a local
deployment. docs/operations/ledger.md.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from bonafide.adapters.bundle import BundleCorrupt
from bonafide.errors import BonafideError
from bonafide.records.ledger.seal import KnownRoot
from ops.ledger.replaying import BUNDLE, Replay
from ops.ledger.stage import LedgerOfStage, NoArchiveError
from ops.ledger.verifying import LedgerCheck


def main() -> int:
    """Runs the command; returns 0 if nothing was found, 3 if something was, 1 if it could not be done."""
    given = arguments()
    try:
        ledger = LedgerOfStage.of(given.stage, boto3.client)
        if given.action == "verify":
            report, ok = LedgerCheck(ledger, given.domain, datetime.now(UTC), given.day or ()).run(given.root)
        else:
            replay = Replay.of(ledger, given.domain, given.bundle)
            report, ok = replay.run(given.day, given.decision, given.count)
    except (NoArchiveError, BundleCorrupt, BonafideError, BotoCoreError, ClientError) as error:
        print(f"ledger: {error}", file=sys.stderr)
        return 1
    print(report)
    return 0 if ok else 3


def arguments(line: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.ledger", description="Verify or replay archived decisions.")
    parser.add_argument("action", choices=["verify", "replay"])
    parser.add_argument("--stage", required=True, help="one of cdk.json, in the account and region of the environment")
    parser.add_argument("--domain", required=True)
    parser.add_argument("--day", type=date.fromisoformat, action="append", help="of the ledger, in UTC; all by default")
    parser.add_argument("--root", type=_known_root, help="DAY=HEX: a root that was kept elsewhere")
    parser.add_argument("--decision", help="replays this one only")
    parser.add_argument("--count", type=int, default=1000, help="decisions that are replayed, the newest days first")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="folder of the bundle that judged")
    return parser.parse_args(line)


def _known_root(text: str) -> KnownRoot:
    day, _, root = text.partition("=")
    return KnownRoot(date.fromisoformat(day), root)


if __name__ == "__main__":
    sys.exit(main())
