"""Writes the page on drift of a domain: `python -m ops.monitoring.drift --stage S [--domain D]`; prints its path.

With `--learn DAYS` it first lets the watch learn a new baseline from the last days, for a change that is known and here
to stay; that takes the right to invoke the function of the stage.
"""

import argparse
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from bonafide.adapters.bundle import DISTRIBUTIONS
from bonafide_client import BonafideClientError, Client
from ops.monitoring.drift_page import drift_page
from ops.resources import list_resources
from ops.target import NotDeployedError, add_target, url_of

OUT = Path(".build/drift/report.html")
BUNDLE = Path(".build/layers/model/bundle")


class NotLearnedError(Exception):
    """The watch could not learn a baseline."""


def main() -> int:
    """Runs the command; returns 0 if the page was written."""
    given = _arguments()
    try:
        if given.learn:
            print(f"baseline {learn(given.stage, given.domain, given.learn)}", file=sys.stderr)
        begin = datetime.now(UTC) - timedelta(days=given.days)
        with Client(url_of(given)) as client:
            print(drift_page(read(client, given.domain, begin), reference(given.bundle)).write(given.out))
    except (NotDeployedError, NotLearnedError, BonafideClientError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def read(client: Client, domain: str, begin: datetime) -> dict[str, Any]:
    """Reads baseline and windows of a domain."""
    query = urlencode({"from": begin.isoformat()})
    return dict(client.send("GET", f"/v1/domains/{quote(domain, safe='')}/drift?{query}"))


def reference(bundle: Path) -> dict[str, Any] | None:
    """Reads the distributions that ship with a bundle; None for one without."""
    file = bundle / DISTRIBUTIONS
    return dict(json.loads(file.read_bytes())) if file.is_file() else None


def learn(stage: str, domain: str, days: int) -> int:
    """Lets the watch learn a baseline; returns its version."""
    found = list_resources(boto3.client("cloudformation"), f"Bonafide-{stage}-Service")
    name = next(
        each["PhysicalResourceId"] for each in found if each["LogicalResourceId"].startswith("WatchDriftFunction")
    )
    payload = json.dumps({"learn": domain, "days": days}).encode()
    answer = boto3.client("lambda").invoke(FunctionName=name, Payload=payload)
    if "FunctionError" in answer:
        raise NotLearnedError(f"the watch could not learn a baseline of {domain}: its log says why")
    return int(json.loads(answer["Payload"].read())["version"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Write the page on drift of a domain.")
    add_target(parser)
    parser.add_argument("--domain", default="demo")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="whose distributions are shown beside the baseline")
    parser.add_argument("--days", type=int, default=7, help="how far back the page goes")
    parser.add_argument("--learn", type=int, metavar="DAYS", help="learn a baseline of so many days before")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    if given.learn and not given.stage:
        parser.error("--learn takes --stage")
    return given


if __name__ == "__main__":
    sys.exit(main())
