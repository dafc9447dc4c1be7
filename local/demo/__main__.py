"""Runs Bonafide on this machine and calls it with real recordings: `python -m local.demo`."""

import sys
import time
from dataclasses import asdict
from pathlib import Path

from bonafide_client import NO_RETRIES, Client, ProblemError
from layers.golden.readers import keep, load
from local.aws.functions.function import KEEP_COMPILED
from local.demo.replay import replay
from local.demo.report import DemoRow, summary, write
from local.demo.script import OFFICE, ONCE, ONCE_SETTINGS, PHONE, SETTINGS, script
from local.demo.table import DemoTable
from local.runner import ExtraServices, deployment

REPORT = Path(".build/demo/report.json")
DOMAINS = {OFFICE: SETTINGS, PHONE: SETTINGS, ONCE: ONCE_SETTINGS}
SPEECH = Path(".build/demo/speech")


def main() -> int:
    """Runs the script; returns 0 only if every expectation held and every decision could be replayed."""
    # An interrupted run must not leave an older report behind.
    REPORT.unlink(missing_ok=True)
    print("Fetching the readers, then starting Bonafide ...", file=sys.stderr, flush=True)
    readers = load()
    table = DemoTable()
    with deployment(services=ExtraServices(variables=KEEP_COMPILED)) as running:
        started = time.monotonic()
        # Each step is sent once, so that the report shows what a caller sees.
        client = Client(running.endpoint, timeout=60, retries=NO_RETRIES)
        for domain, settings in DOMAINS.items():
            try:
                client.put_domain(domain, **settings)
            except ProblemError as problem:
                sys.exit(f"The domain {domain} could not be created: {problem}; see {running.logs}")
        rows: list[DemoRow] = []
        table.opening()
        for section, steps in script(readers):
            table.heading(section)
            for step in steps:
                rows.append(DemoRow(section, step, client.request("POST", step.path, step.body())))
                table.row(rows[-1])
        totals = {**summary(rows, time.monotonic() - started), "replay": asdict(replay(running, DOMAINS))}
    write(REPORT, rows, totals)
    keep(readers.values(), SPEECH)
    table.closing(totals, REPORT)
    replayed = totals["replay"]["equal"] == totals["replay"]["decisions"]
    return 0 if replayed and not totals["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
