"""Writes the page on the shadow: `python -m ops.monitoring.shadow --stage S [--domain D]`; prints its path."""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

from botocore.exceptions import BotoCoreError, ClientError

from bonafide_client import BonafideClientError, Client
from ops.monitoring.shadow_page import shadow_page
from ops.target import NotDeployedError, add_target, url_of

OUT = Path(".build/shadow/report.html")


def main() -> int:
    """Runs the command; returns 0 if the page was written."""
    parser = argparse.ArgumentParser(description="Write the page on champion and challenger.")
    add_target(parser)
    parser.add_argument("--domain", default="demo")
    parser.add_argument("--days", type=int, default=7, help="how far back the page goes")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    query = urlencode({"from": (datetime.now(UTC) - timedelta(days=given.days)).isoformat()})
    try:
        with Client(url_of(given)) as client:
            report = client.send("GET", f"/v1/domains/{quote(given.domain, safe='')}/shadow?{query}")
    except (NotDeployedError, BonafideClientError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    print(shadow_page(report).write(given.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
