"""A rehearsal: one real promotion, and how stories are judged and told."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from layers.packages import sha256
from local.cloud.metrics.store import MetricStore
from local.cloud.releases.deploy import UpdateStatus
from local.rehearse.__main__ import RehearsalSettings, rehearse
from local.rehearse.report import RehearsalTable, record
from local.rehearse.results import OBSERVED, MinuteFigures, ScenarioResult, VersionFigures
from local.rehearse.scenarios import SCENARIOS, Scenario
from local.rehearse.versions import copy
from tests.hosted import HOSTED

BY_NAME: Mapping[str, Scenario] = {scenario.name: scenario for scenario in SCENARIOS}
OLD, NEW = VersionFigures(90, 0, 80.0, 0.9, 5.0), VersionFigures(10, 1, 90.0, 0.5, 1.0)


def story(scenario: str = "slow", **different: object) -> ScenarioResult:
    ended = ScenarioResult(
        scenario=BY_NAME[scenario],
        status=UpdateStatus.ROLLED_BACK,
        reason="alarm authenticate_caller-late-answers-2 while authenticate_caller was updated",
        minutes=[
            MinuteFigures(1, 0.1, OLD, NEW, ["late"], ["late: ALARM"]),
            MinuteFigures(2, 0, OLD, replace(NEW, calls=0), [], []),
        ],
        shares=[(OBSERVED, 0.1)],
        store=MetricStore(),
        begun=0,
        marks={},
        states={},
    )
    return replace(ended, **different)  # type: ignore[arg-type]  # of any field


def far_too_low(bundle: Path) -> None:
    """Makes a bundle whose LLRs are so low that it accepts nobody."""
    path, manifest = bundle / "calibration.json", bundle / "manifest.json"
    content, listed = json.loads(path.read_text()), json.loads(manifest.read_text())
    for condition in content["conditions"].values():
        condition["level"] += 9
    path.write_text(json.dumps(content))
    listed["files"][path.name] = sha256(path)
    manifest.write_text(json.dumps(listed))


# It starts all functions twice, which takes minutes on two cores.
@HOSTED
def test_a_challenger_that_passed_its_gates_is_stopped_by_golden_calls_and_the_champion_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = RehearsalSettings(pace=40, calls_a_second=4, out=tmp_path)
    low = replace(
        BY_NAME["bad-model"], name="low", title="far too low", stopped_by="golden calls", challenger=far_too_low
    )
    (ended,) = rehearse([low], RehearsalTable(), settings)
    assert ended.wrong == []
    assert ended.held
    # Functions of its wave that are good may have had their share by then; all of them go back.
    assert OBSERVED not in {function for function, _ in ended.shares}
    new, calls = ended.served
    assert (new, calls > 0) == (0, True)
    assert (tmp_path / "low.png").exists()
    history = [line.split()[1] for line in capsys.readouterr().out.splitlines() if line.strip()[:1].isdigit()]
    assert history[-4:] == ["REGISTERED", "CHALLENGED", "PROMOTION_REQUESTED", "PROMOTION_FAILED"]


CHANGING = [scenario for scenario in SCENARIOS if not scenario.first and not scenario.challenger]


@pytest.mark.parametrize("scenario", CHANGING, ids=lambda scenario: scenario.name)
def test_every_scenario_finds_what_it_changes(scenario: Scenario, tmp_path: Path) -> None:
    changed = copy(tmp_path / "changed", scenario.change)
    original = copy(tmp_path / "original", lambda _root: None)
    different = [
        path for path in changed.rglob("*.*") if path.is_file() and path.read_bytes() != _there(path, changed, original)
    ]
    assert different
    for path in different:
        if path.suffix == ".py":
            compile(path.read_text(), path, "exec")


def _there(path: Path, changed: Path, original: Path) -> bytes:
    return (original / path.relative_to(changed)).read_bytes()


def test_a_release_that_ended_as_it_has_to_holds() -> None:
    assert story().held
    assert not story(status=UpdateStatus.PROMOTED, reason="").held
    assert not story(reason="golden calls of authenticate_caller before traffic").held


def test_the_first_deployment_shifts_no_traffic() -> None:
    assert story("first", status=UpdateStatus.PROMOTED, reason="", shares=[]).held
    assert not story("first", status=UpdateStatus.PROMOTED, reason="").held


def test_a_promotion_after_which_the_registry_is_wrong_does_not_hold() -> None:
    ended = story("bad-model", reason="alarm authenticate_caller-score-drift-2")
    assert ended.held
    assert not replace(ended, wrong=["the champion is another one"]).held


def test_a_bad_version_must_never_have_had_all_traffic_even_if_it_was_taken_back() -> None:
    assert not story(shares=[(OBSERVED, 0.1), (OBSERVED, 1)]).held
    assert story("good", status=UpdateStatus.PROMOTED, reason="", shares=[(OBSERVED, 0.1), (OBSERVED, 1)]).held


def test_the_report_says_who_was_served_by_what() -> None:
    written = record(story())
    assert (written["calls"], written["calls_to_new"], written["held"]) == (190, 10, True)
    assert written["minutes"][0]["new"]["failed"] == 1


def test_the_table_shows_both_versions_and_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    told, table = story(), RehearsalTable()
    table.opening(told.scenario)
    for minute in told.minutes:
        table.line(minute)
    table.print_result(told)
    headings, first, note, second, ending = capsys.readouterr().out.splitlines()[2:]
    assert headings.split()[:4] == ["minute", "to", "new", "calls"]
    assert first.split() == ["1", "10%", "90", "10", "0", "1", "80", "90", "90%", "50%", "+5.0", "+1.0"]
    assert note.strip() == "late: ALARM"
    assert second.split() == ["2", "0%", "90", "0", "80", "90%", "+5.0"]
    assert "rolled back" in ending
    assert "10 of 190 calls" in ending
