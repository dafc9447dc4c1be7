"""Verifies the archive of a domain's decisions, replays decisions out of it, or judges them under another policy.

    python -m ops.ledger verify --stage S --domain D [--day DAY ...] [--root DAY=HEX]
    python -m ops.ledger replay --stage S --domain D [--day DAY ...] [--decision ID] [--count N] [--bundle FOLDER]
    python -m ops.ledger what-if --stage S --domain D --policy FILE [--day DAY ...] [--count N]

`verify` names each record that was removed, changed or inserted since its day was sealed. `replay` judges decisions
again by their stored scores. `what-if` tells what the active policy with changes would have decided. All read with the
credentials of the environment; with AWS_ENDPOINT_URL also a local deployment. docs/operations/ledger.md.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from bonafide.adapters.bundle import BundleCorrupt
from bonafide.contracts.settings.changes import PolicyChanges
from bonafide.errors import BonafideError
from bonafide.records.ledger.seal import KnownRoot
from ops.ledger.comparing import PolicyQuestion
from ops.ledger.replaying import BUNDLE, Replay
from ops.ledger.stage import LedgerOfStage, NoArchiveError
from ops.ledger.verifying import LedgerCheck

FAILURES = (NoArchiveError, BundleCorrupt, BonafideError, BotoCoreError, ClientError, OSError, ValidationError)


def main() -> int:
    """Runs the command; returns 0 if nothing was found, 3 if something was, 1 if it could not be done."""
    given = arguments()
    try:
        ledger = LedgerOfStage.of(given.stage, boto3.client)
        if given.action == "verify":
            report, ok = LedgerCheck(ledger, given.domain, datetime.now(UTC), given.day or ()).run(given.root)
        elif given.action == "what-if":
            asked = PolicyQuestion(ledger, given.domain, _changes(given.policy))
            report, ok = asked.run(given.day, given.decision, given.count)
        else:
            replay = Replay.of(ledger, given.domain, given.bundle)
            report, ok = replay.run(given.day, given.decision, given.count)
    except FAILURES as error:
        print(f"ledger: {error}", file=sys.stderr)
        return 1
    print(report)
    return 0 if ok else 3


def arguments(line: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.ledger", description="Verify or replay archived decisions.")
    parser.add_argument("action", choices=["verify", "replay", "what-if"])
    parser.add_argument("--stage", required=True, help="one of cdk.json, in the account and region of the environment")
    parser.add_argument("--domain", required=True)
    parser.add_argument("--day", type=date.fromisoformat, action="append", help="of the ledger, in UTC; all by default")
    parser.add_argument("--root", type=_known_root, help="DAY=HEX: a root that was kept elsewhere")
    parser.add_argument("--decision", help="replays this one only")
    parser.add_argument("--count", type=int, default=1000, help="decisions that are replayed, the newest days first")
    parser.add_argument("--policy", type=Path, help="JSON of the settings that differ from those of the active policy")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="folder of the bundle that judged")
    return parser.parse_args(line)


def _changes(file: Path | None) -> dict[str, Any]:
    """Reads settings of a policy as the API takes them; none without a file."""
    return PolicyChanges.model_validate_json(file.read_text()).model_dump(exclude_unset=True) if file else {}


def _known_root(text: str) -> KnownRoot:
    day, _, root = text.partition("=")
    return KnownRoot(date.fromisoformat(day), root)


if __name__ == "__main__":
    sys.exit(main())
