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
from local.rehearse.target import SynthesizedVersion, read


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
    assert {monitor.names[id_] for id_, state in monitor.states.items() if state == AlarmState.ALARM} == {
        name for name in monitor.names.values() if name.startswith("SilentProbe")
    }


def test_the_dashboard_is_drawn(version: SynthesizedVersion, tmp_path: Path) -> None:
    store = MetricStore()
    for name in ("Requests", "Failures", "RequestLatency", "Accepts", "SpeakerLlr"):
        for dimensions in ({}, {"version": "1"}, {"version": "2"}):
            store.put(Metric.of("Bonafide", name, {"service": "authenticate_caller", **dimensions}), 30, [1.0])
    (widgets,) = [each for template in version.all for each in dashboards(template)]
    by_version = [line.label for widget in widgets for line in widget.lines(store, 0, 60) if line.label.endswith(" 2")]
    assert len(by_version) == 4
    draw(widgets, DashboardView("dev", store, 0, 60, {}, {}), tmp_path / "dashboard.png")
    assert (tmp_path / "dashboard.png").exists()
