"""Runs Bonafide with a made-up week of 500 decisions, to look at in the console: `python -m local.console`."""

import argparse
import signal
from datetime import UTC, datetime, timedelta

from bonafide.adapters.bundle import BundleFiles
from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import SpaceCalibrations
from bonafide.records.domain import DomainRecord, Retention
from bonafide.records.settings.versions import DomainVersion
from local.console.made import MadeCalls
from local.runner import Deployment, deployment
from ops.ledger.replaying import BUNDLE
from ops.restore import DECISIONS, DOMAINS, data_resources

STAGE, DOMAIN = "dev", "acme"
CALLS = 500
KEPT, MADE_BEFORE = timedelta(days=365), timedelta(days=30)
MOST_STATEMENTS = 50


def put_calls(running: Deployment, domain: str, count: int, now: datetime) -> None:
    """Makes a domain, and puts decisions with their outcomes into the table."""
    connect = running.emulator.client
    tables = data_resources(connect("cloudformation"), STAGE)
    # Decisions of before a domain are none of its own.
    made = DomainRecord(domain, Policy(), Retention(), now - MADE_BEFORE, now - MADE_BEFORE, version=1)
    history = [DomainVersion.of(made, None, None)]
    DynamoDomainStore(connect("dynamodb"), tables[DOMAINS]).put_domain(made, history)
    files = BundleFiles.open(BUNDLE)
    newest = SpaceCalibrations.parse(files.calibrations()).newest_first[0]
    table = DynamoDecisionStore(connect("dynamodb"), tables[DECISIONS])
    for record, outcome in MadeCalls(domain, files.digest, newest, now).draw(count):
        table.append(record, now + KEPT)
        if outcome:
            table.add_outcome(record, outcome, MOST_STATEMENTS)


def main() -> None:
    """Runs it until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with deployment(arguments.port, stage=STAGE) as running:
            put_calls(running, DOMAIN, CALLS, datetime.now(UTC))
            print(f"console: {running.console}#/{DOMAIN}/queue", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
