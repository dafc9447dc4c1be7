"""Runs Bonafide on this machine and calls it with real recordings: `python -m local.demo`."""

import sys
import time
from pathlib import Path

from layers.golden.readers import keep, load
from local.demo.client import Client
from local.demo.report import DemoRow, summary, write
from local.demo.script import OFFICE, PHONE, SETTINGS, script
from local.demo.table import DemoTable
from local.runner import deployment

REPORT = Path(".build/demo/report.json")
SPEECH = Path(".build/demo/speech")


def main() -> int:
    """Plays the script; 0 only if every expectation held."""
    # What a run that is cut off leaves must not look like its report.
    REPORT.unlink(missing_ok=True)
    print("Fetching the readers, then starting Bonafide ...", file=sys.stderr, flush=True)
    readers = load()
    table = DemoTable()
    with deployment() as running:
        started = time.monotonic()
        client = Client(running.endpoint)
        for domain in (OFFICE, PHONE):
            reply = client.send("PUT", f"/v1/domains/{domain}", SETTINGS)
            if reply.status != 200:
                sys.exit(f"The domain {domain} could not be made: {reply.document}; see {running.logs}")
        rows: list[DemoRow] = []
        table.opening()
        for section, steps in script(readers):
            table.heading(section)
            for step in steps:
                rows.append(DemoRow(section, step, client.send("POST", step.path, step.body())))
                table.row(rows[-1])
        totals = summary(rows, time.monotonic() - started)
    write(REPORT, rows, totals)
    keep(readers.values(), SPEECH)
    table.closing(totals, REPORT)
    return 1 if totals["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
