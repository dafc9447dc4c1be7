"""Rehearses releases on this machine: `python -m local.rehearse [SCENARIO ...]`."""

import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from layers.golden.readers import load
from local.choice import choose
from local.cloud.metrics.pump import MetricPump
from local.cloud.releases.control_plane import ControlPlane
from local.cloud.releases.published import PublishedVersions
from local.rehearse.rehearsal import Rehearsal
from local.rehearse.report import RehearsalTable, draw_dashboards, write, write_metrics
from local.rehearse.results import ScenarioResult
from local.rehearse.scenarios import SCENARIOS, Scenario, unchanged
from local.rehearse.target import SynthesizedVersion, read
from local.rehearse.traffic import calls, client_without_retries, enroll
from local.rehearse.versions import synthesize
from local.runner import ExtraServices, deployment

FORMER = "former"
# The synthetic caller runs only every other minute, since its calls cost as much as those of callers.
PROBE_MINUTES = 2


@dataclass(frozen=True, slots=True)
class RehearsalSettings:
    """The settings of a rehearsal.

    Attributes:
        stage: stage whose releases shift traffic as in production.
        pace: simulated seconds per real second under load: a minute passes in five seconds.
        quiet_pace: the same without load.
        calls_a_second: calls per real second.
        out: folder for the report, dashboards and logs.
    """

    stage: str = "staging"
    pace: float = 12
    quiet_pace: float = 30
    calls_a_second: float = 14
    out: Path = Path(".build/rehearse")


def main() -> int:
    """Plays the chosen scenarios; returns 0 only if each ended as expected."""
    chosen = choose(SCENARIOS, "scenario", "python -m local.rehearse", "Rehearse releases.")
    started, table, settings = time.monotonic(), RehearsalTable(), RehearsalSettings()
    results = rehearse(chosen, table, settings)
    report = settings.out / "report.json"
    write(report, results)
    table.closing(results, time.monotonic() - started, report)
    return 0 if all(result.held for result in results) else 1


def rehearse(scenarios: Sequence[Scenario], table: RehearsalTable, settings: RehearsalSettings) -> list[ScenarioResult]:
    """Deploys the version of this repository and releases other versions on it."""
    print("Synthesizing the versions, then starting Bonafide ...", file=sys.stderr, flush=True)
    changes = {FORMER: unchanged, **{each.name: each.change for each in scenarios}}
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="bonafide-")))
        assemblies = synthesize(folder, changes, settings.stage)
        rehearsal = _deploy(cleanup, assemblies[FORMER], settings)
        return [_play(rehearsal, scenario, assemblies[scenario.name], table, settings) for scenario in scenarios]


def _deploy(cleanup: ExitStack, assembly: Path, settings: RehearsalSettings) -> Rehearsal:
    control, pump = ControlPlane(), MetricPump({}, stage=settings.stage)
    cleanup.callback(control.stop)
    services = ExtraServices(pump.record, control.variables, pump)
    running = cleanup.enter_context(
        deployment(
            stage=settings.stage,
            assembly=assembly,
            logs=settings.out / "logs",
            pace=settings.pace / PROBE_MINUTES,
            services=services,
        )
    )
    pump.names = running.template.resource_names()
    readers, client = load(), client_without_retries(running.endpoint)
    enrolled = enroll(client, readers)
    client.close()
    published = PublishedVersions()
    former = read(assembly, settings.stage, published.deploy(None, running.template), published)
    return Rehearsal(running, former, published, control, pump, calls(readers, enrolled), settings.calls_a_second)


def _play(
    rehearsal: Rehearsal, scenario: Scenario, assembly: Path, table: RehearsalTable, settings: RehearsalSettings
) -> ScenarioResult:
    def publish() -> SynthesizedVersion:
        return read(assembly, settings.stage, rehearsal.former.service, rehearsal.published)

    table.opening(scenario)
    pace = settings.pace if scenario.calls else settings.quiet_pace
    result, version = rehearsal.play(scenario, publish, pace, table.line)
    table.print_result(result)
    write_metrics(result, settings.out)
    draw_dashboards(result, version, settings.out)
    return result


if __name__ == "__main__":
    sys.exit(main())
