"""Rehearses releases on this machine: `python -m local.rehearse [SCENARIO ...]`."""

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from layers.golden.readers import load
from local.choice import choose
from local.cloud.metrics.pump import MetricPump
from local.cloud.releases.control_plane import ControlPlane
from local.cloud.releases.target import SynthesizedVersion, read
from local.promotion.events import EventBus
from local.promotion.serving import deployed
from local.rehearse.models import ModelRehearsal
from local.rehearse.rehearsal import Rehearsal
from local.rehearse.report import RehearsalTable, draw_dashboards, write, write_metrics
from local.rehearse.results import ScenarioResult
from local.rehearse.scenarios import SCENARIOS, Scenario, unchanged
from local.rehearse.traffic import RecordedCall, calls, client_without_retries, enroll
from local.rehearse.versions import synthesize
from local.runner import Deployment, ExtraServices, deployment

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
    changes = {FORMER: unchanged, **{each.name: each.change for each in scenarios if not each.challenger}}
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="bonafide-")))
        stage = RehearsedStage(synthesize(folder, changes, settings.stage), table, settings)
        with stage.deploy(folder / "models"):
            return [stage.play(scenario) for scenario in scenarios]


@dataclass(slots=True)
class RehearsedStage:
    """A stage on which scenarios are played.

    Attributes:
        assemblies: cloud assemblies by the scenario's name.
        table: shows what happens.
        settings: pace and load.
        rehearsal: the deployment.
        models: its registry.
    """

    assemblies: Mapping[str, Path]
    table: RehearsalTable
    settings: RehearsalSettings
    rehearsal: Rehearsal = field(init=False)
    models: ModelRehearsal = field(init=False)

    @contextmanager
    def deploy(self, folder: Path) -> Iterator[None]:
        """Deploys the former version until the context ends.

        Args:
            folder: for bundles.
        """
        with ExitStack() as cleanup:
            requested: SimpleQueue[Mapping[str, Any]] = SimpleQueue()
            control, bus = ControlPlane(), EventBus(requested.put)
            cleanup.callback(control.stop)
            cleanup.callback(bus.stop)
            pump = MetricPump({}, stage=self.settings.stage)
            services = ExtraServices(pump.record, {**control.variables, **bus.variables}, pump)
            running = cleanup.enter_context(self._deployment(services))
            pump.names = running.template.resource_names()
            stack = deployed(running, self.assemblies[FORMER], self.settings.stage)
            self.rehearsal = Rehearsal(stack, control, pump, _calls(running.endpoint), self.settings.calls_a_second)
            self.models = ModelRehearsal(self.rehearsal, self.settings.stage, folder, requested)
            yield

    def _deployment(self, services: ExtraServices) -> AbstractContextManager[Deployment]:
        return deployment(
            stage=self.settings.stage,
            assembly=self.assemblies[FORMER],
            logs=self.settings.out / "logs",
            pace=self.settings.pace / PROBE_MINUTES,
            services=services,
        )

    def play(self, scenario: Scenario) -> ScenarioResult:
        """Plays a scenario, and writes its figures."""
        self.table.opening(scenario)
        result, version = self._model(scenario) if scenario.challenger else self._code(scenario)
        self.table.print_result(result)
        write_metrics(result, self.settings.out)
        draw_dashboards(result, version, self.settings.out)
        return result

    def _code(self, scenario: Scenario) -> tuple[ScenarioResult, SynthesizedVersion]:
        stack = self.rehearsal.stack

        def publish() -> SynthesizedVersion:
            return read(self.assemblies[scenario.name], self.settings.stage, stack.version.service, stack.published)

        return self.rehearsal.play(scenario, publish, self._pace(scenario), self.table.line)

    def _model(self, scenario: Scenario) -> tuple[ScenarioResult, SynthesizedVersion]:
        def play(version: SynthesizedVersion) -> ScenarioResult:
            return self.rehearsal.play(scenario, lambda: version, self._pace(scenario), self.table.line)[0]

        return self.models.play(scenario, play)

    def _pace(self, scenario: Scenario) -> float:
        return self.settings.pace if scenario.calls else self.settings.quiet_pace


def _calls(endpoint: str) -> Iterator[RecordedCall]:
    """Enrolls readers, and returns calls of theirs."""
    readers, client = load(), client_without_retries(endpoint)
    enrolled = enroll(client, readers)
    client.close()
    return calls(readers, enrolled)


if __name__ == "__main__":
    sys.exit(main())
