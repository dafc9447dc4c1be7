"""Outcomes from a file: `python -m ops.monitoring.outcomes --stage S --domain D OUTCOMES.csv`.

The file has the columns decision_id, outcome (genuine, fraud or unknown), attack (impostor, synthetic, replayed, other
or empty) and, if they are known, known_at and source. Each line is stated over REST, once however often the file is
used; then the error rates of the domain are printed.
"""

import argparse
import csv
import hashlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.biometrics.outcomes.labels import AttackKind, OutcomeLabel
from bonafide_client import BonafideClientError, Client
from ops.target import NotDeployedError, add_target, url_of

NOT_FOUND = 404


class OutcomesError(Exception):
    """A file of outcomes cannot be used."""


def main() -> int:
    """Runs the command; returns 0 if all outcomes were stated."""
    parser = argparse.ArgumentParser(description="State outcomes, and print realized error rates.")
    add_target(parser)
    parser.add_argument("--domain", required=True)
    parser.add_argument("outcomes", type=Path, help="CSV: decision_id, outcome, attack, known_at, source")
    given = parser.parse_args()
    try:
        outcomes = read_outcomes(given.outcomes)
        with Client(url_of(given)) as client:
            missing = sum(not state(client, given.domain, name, body) for name, body in outcomes)
            print(shown(client.performance(given.domain)))
    except (OutcomesError, NotDeployedError, BonafideClientError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    if missing:
        print(f"{missing} decisions are not there, or their retention is over", file=sys.stderr)
    return 1 if missing else 0


def read_outcomes(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Reads a file of outcomes: decisions, and what is stated on each.

    Raises:
        OutcomesError: it cannot be read, or a line is not valid.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [(row["decision_id"], dict(_fields(row))) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError) as error:
        raise OutcomesError(f"{path}: cannot be read as outcomes ({error})") from error


def state(client: Client, domain: str, decision_id: str, body: Mapping[str, str]) -> bool:
    """States one outcome, once however often it is asked for; tells whether the decision is there."""
    # A line without a time says when it became known by being stated first.
    key = hashlib.sha256("/".join((decision_id, *map("=".join, sorted(body.items())))).encode()).hexdigest()
    try:
        client.state_outcome(domain, decision_id, **body, key=key)
    except BonafideClientError as error:
        if getattr(error, "status", None) != NOT_FOUND:
            raise
        return False
    return True


def shown(report: Mapping[str, Any]) -> str:
    """Returns realized error rates as lines of text."""
    lines: list[str] = []
    for each in report["by_bundle_and_policy"]:
        lines.append(f"bundle {each['bundle']:.12}, policy version {each['policy_version']}")
        lines += [
            f"  {rate['name']:24} {rate['rate']:6.1%}  {rate['errors']} of {rate['total']}, "
            f"{report['confidence']:.0%} interval {rate['low']:.1%} to {rate['high']:.1%}"
            for rate in each["rates"]
        ]
    return "\n".join(lines) or "no outcome counts for any rate"


def _fields(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "label", str(OutcomeLabel(row["outcome"].strip().lower()))
    if attack := (row.get("attack") or "").strip().lower():
        yield "attack", str(AttackKind(attack))
    for name in ("known_at", "source"):
        if text := (row.get(name) or "").strip():
            yield name, text


if __name__ == "__main__":
    sys.exit(main())
