"""Everything that the synthesized templates watch and show is understood here."""

from pathlib import Path

import pytest

from local.aws.template import StackTemplate
from local.cloud.alarms.alarm import AlarmState
from local.cloud.alarms.monitor import AlarmMonitor
from local.cloud.dashboards.dashboard import dashboards
from local.cloud.dashboards.drawing import DashboardView, draw
from local.cloud.metrics.store import Metric, MetricStore
from local.cloud.releases.published import PublishedVersions
from local.cloud.releases.target import SynthesizedVersion, read


@pytest.fixture(scope="module")
def version(assembly: Path) -> SynthesizedVersion:
    outputs = StackTemplate.read(assembly, "Bonafide-dev-Data", {}).content["Outputs"].values()
    exports = {each["Export"]["Name"]: each["Export"]["Name"] for each in outputs}
    return read(assembly, "dev", StackTemplate.read(assembly, "Bonafide-dev-Service", exports), PublishedVersions())


def test_every_alarm_is_evaluated_and_silence_alone_worries_only_the_one_that_watches_for_it(
    version: SynthesizedVersion,
) -> None:
    monitor = AlarmMonitor(MetricStore())
    monitor.define(*version.all)
    monitor.evaluate(1_800_000_000)
    assert len(monitor.states) > 30
    alarming = {monitor.names[id_] for id_, state in monitor.states.items() if state == AlarmState.ALARM}
    assert alarming == {"Bonafide-dev-silent-probe", "Bonafide-dev-callers-affected"}
    assert [(each.topic, each.alarm) for each in monitor.sent] == [("Bonafide-dev-pages", "Bonafide-dev-silent-probe")]
    assert monitor.lost == []


def test_the_dashboard_is_drawn(version: SynthesizedVersion, tmp_path: Path) -> None:
    store = MetricStore()
    place = {"stage": "dev", "service": "authenticate_caller"}
    for name in ("Failures", "DecisionLatency", "Accepts", "SpeakerLlr"):
        for stage in ("dev", "staging"):
            for dimensions in ({}, {"version": "1"}, {"version": "2"}):
                store.put(Metric.of("Bonafide", name, place | {"stage": stage, **dimensions}), 30, [1.0])
    (widgets,) = [each for template in version.all for each in dashboards(template)]
    by_version = [line.label for widget in widgets for line in widget.lines(store, 0, 60) if line.label.endswith(" 2")]
    # Of this stage only, although the other one has the same metrics: four graphed figures, and the failures again.
    assert len(by_version) == 5
    draw(widgets, DashboardView("dev", store, 0, 60, {}, {}), tmp_path / "dashboard.png")
    assert (tmp_path / "dashboard.png").exists()
