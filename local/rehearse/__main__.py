"""Rehearses releases on this machine: `python -m local.rehearse [SCENARIO ...]`."""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from local.demo.client import Client
from local.demo.readers import load
from local.monitor.pump import Pump
from local.rehearse.rehearsal import Rehearsal
from local.rehearse.report import Table, picture, write
from local.rehearse.scenarios import SCENARIOS, Scenario, unchanged
from local.rehearse.stage import Version, read
from local.rehearse.story import Story
from local.rehearse.traffic import calls, enrol
from local.rehearse.versions import synthesize
from local.release.control_plane import ControlPlane
from local.runner import Account, deployment

# A stage whose releases are shifted like those of production.
STAGE = "staging"
# Simulated seconds in a real one: a minute passes in five seconds, or in two when nobody calls.
PACE, QUIET_PACE = 12.0, 30.0
CALLS_A_SECOND = 14.0
OUT = Path(".build/rehearse")
FORMER = "former"


def main() -> int:
    """Plays scenarios; 0 only if each ended as it has to."""
    names = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(prog="python -m local.rehearse", description="Rehearse releases.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"some of {', '.join(names)}; all by default")
    chosen = parser.parse_args().scenarios or names
    if unknown := set(chosen) - set(names):
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    started, table = time.monotonic(), Table()
    stories = rehearse([scenario for scenario in SCENARIOS if scenario.name in chosen], table)
    report = OUT / "report.json"
    write(report, stories)
    table.closing(stories, time.monotonic() - started, report)
    return 0 if all(story.held for story in stories) else 1


def rehearse(scenarios: Sequence[Scenario], table: Table) -> list[Story]:
    """Deploys the version of this repository and releases others on it."""
    print("Synthesising the versions, then starting Bonafide ...", file=sys.stderr, flush=True)
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="bonafide-")))
        assemblies = synthesize(folder, {FORMER: unchanged, **{each.name: each.change for each in scenarios}}, STAGE)
        rehearsal = _deploy(cleanup, assemblies[FORMER])
        return [_play(rehearsal, scenario, assemblies, table) for scenario in scenarios]


def _deploy(cleanup: ExitStack, assembly: Path) -> Rehearsal:
    control, pump = ControlPlane(), Pump({})
    cleanup.callback(control.stop)
    account = Account(pump.record, control.variables)
    running = cleanup.enter_context(
        deployment(stage=STAGE, assembly=assembly, logs=OUT / "logs", pace=PACE, account=account)
    )
    pump.names = running.template.resource_names()
    readers = load()
    enrolled = enrol(Client(running.endpoint), readers)
    former = read(assembly, STAGE, running.template)
    return Rehearsal(running, former, control, pump, calls(readers, enrolled), CALLS_A_SECOND)


def _play(rehearsal: Rehearsal, scenario: Scenario, assemblies: Mapping[str, Path], table: Table) -> Story:
    version: Version = read(assemblies[scenario.name], STAGE, rehearsal.running.template)
    table.opening(scenario)
    story = rehearsal.play(scenario, version, PACE if scenario.calls else QUIET_PACE, table.line)
    table.verdict(story)
    picture(story, version, OUT)
    return story


if __name__ == "__main__":
    sys.exit(main())
