"""Writes the page on the shadow: `python -m ops.monitoring.shadow --stage S [--domain D]`; prints its path."""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

from botocore.exceptions import BotoCoreError, ClientError

from bonafide_client import BonafideClientError, Client
from ops.monitoring.shadow_page import shadow_page
from ops.smoke import NotDeployedError, endpoint_of

OUT = Path(".build/shadow/report.html")


def main() -> int:
    """Runs the command; returns 0 if the page was written."""
    parser = argparse.ArgumentParser(description="Write the page on champion and challenger.")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--endpoint", help="URL of the API's stage")
    target.add_argument("--stage", help="one of cdk.json, in the account and region of the environment")
    parser.add_argument("--domain", default="demo")
    parser.add_argument("--days", type=int, default=7, help="how far back the page goes")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    query = urlencode({"from": (datetime.now(UTC) - timedelta(days=given.days)).isoformat()})
    try:
        with Client(given.endpoint or endpoint_of(given.stage)) as client:
            report = client.send("GET", f"/v1/domains/{quote(given.domain, safe='')}/shadow?{query}")
    except (NotDeployedError, BonafideClientError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    print(shadow_page(report).write(given.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
