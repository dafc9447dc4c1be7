"""Error rates from reported outcomes: `python -m ops.monitoring.outcomes --stage S --domain D OUTCOMES.csv`.

The file has the columns decision_id, outcome (genuine, fraud or unknown) and attack. Each decision is read over REST.
"""

import argparse
import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bonafide_client import BonafideClientError, Client
from ops.monitoring.error_rates import CallOutcome, OutcomeRate, ReportedOutcome, outcome_rates
from ops.target import NotDeployedError, add_target, url_of

NOT_FOUND = 404


class OutcomesError(Exception):
    """A file of outcomes cannot be used."""


def main() -> int:
    """Runs the command; returns 0 if rates were computed."""
    parser = argparse.ArgumentParser(description="Compute error rates from reported outcomes.")
    add_target(parser)
    parser.add_argument("--domain", required=True)
    parser.add_argument("outcomes", type=Path, help="CSV: decision_id, outcome, attack")
    given = parser.parse_args()
    try:
        outcomes = read_outcomes(given.outcomes)
        with Client(url_of(given)) as client:
            decisions = read_decisions(client, given.domain, [each.decision_id for each in outcomes])
    except (OutcomesError, NotDeployedError, BonafideClientError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    print(shown(outcome_rates(outcomes, decisions)))
    if missing := len(outcomes) - len(decisions):
        print(f"{missing} decisions are not there, or their retention is over", file=sys.stderr)
    return 0


def read_outcomes(path: Path) -> list[ReportedOutcome]:
    """Reads a file of outcomes; of several lines on one decision the last counts.

    Raises:
        OutcomesError: it cannot be read, or a line is not valid.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        found = [
            ReportedOutcome(
                row["decision_id"], CallOutcome(row["outcome"].strip().lower()), (row.get("attack") or "").strip()
            )
            for row in rows
        ]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError) as error:
        raise OutcomesError(f"{path}: cannot be read as outcomes ({error})") from error
    return list({each.decision_id: each for each in found}.values())


def read_decisions(client: Client, domain: str, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Reads the decisions that are there."""
    found: dict[str, Mapping[str, Any]] = {}
    for name in names:
        try:
            found[name] = client.get_decision(domain, name)
        except BonafideClientError as error:
            if getattr(error, "status", None) != NOT_FOUND:
                raise
    return found


def shown(rates: Mapping[str, Sequence[OutcomeRate]]) -> str:
    """Returns rates as lines of text."""
    lines: list[str] = []
    for bundle, found in sorted(rates.items()):
        lines.append(f"bundle {bundle:.12}")
        lines += [
            f"  {each.name:24} {each.errors / each.total:6.1%}  {each.errors} of {each.total}, "
            f"95 % interval {each.low:.1%} to {each.high:.1%}"
            for each in found
        ]
    return "\n".join(lines) or "no outcome counts for any rate"


if __name__ == "__main__":
    sys.exit(main())
