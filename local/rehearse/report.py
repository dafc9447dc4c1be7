"""The output of a rehearsal: lines on the terminal, JSON reports and drawn dashboards."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from local.cloud.clock import MINUTE
from local.cloud.dashboards.dashboard import dashboards
from local.cloud.dashboards.drawing import DashboardView, draw
from local.cloud.releases.target import SynthesizedVersion
from local.rehearse.results import MinuteFigures, ScenarioResult, VersionFigures
from local.rehearse.scenarios import Scenario

GREEN, RED, DIM, BOLD = "32", "31", "2", "1"
HEADINGS = ("minute", "to new", "calls", "new", "failed", "new", "p95 ms", "new", "accepted", "new", "LLR", "new")
WIDTHS = tuple(max(len(each), 5) for each in HEADINGS)


class RehearsalTable:
    """Prints scenarios as they run."""

    def __init__(self) -> None:
        self._colored = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def opening(self, scenario: Scenario) -> None:
        """Starts a scenario."""
        print(f"\n{self._paint(scenario.name, BOLD)}: {scenario.title}", flush=True)
        print(self._paint(_fitted(HEADINGS), DIM), flush=True)

    def line(self, minute: MinuteFigures) -> None:
        """Prints the figures of a minute, then its events."""
        print(_fitted(_cells(minute)), flush=True)
        for note in minute.notes:
            color = RED if "ALARM" in note or "rolled back" in note else DIM
            print(self._paint(f"        {note}", color), flush=True)

    def print_result(self, result: ScenarioResult) -> None:
        """Prints the result of a scenario."""
        new, calls = result.served
        mark = self._paint("\u2713", GREEN) if result.held else self._paint("\u2717", RED)
        because = f": {result.reason}" if result.reason else ""
        print(f"{mark} {result.status}{because}. The new version answered {new} of {calls} calls.", flush=True)
        if not result.held:
            wanted = f" by {result.scenario.stopped_by}" if result.scenario.stopped_by else ""
            print(self._paint(f"  expected: {result.scenario.ends}{wanted}, and never all traffic", RED), flush=True)
        for each in result.wrong:
            print(self._paint(f"  {each}", RED), flush=True)

    def closing(self, results: Sequence[ScenarioResult], seconds: float, report: Path) -> None:
        """Prints the total result."""
        held = sum(result.held for result in results)
        color = GREEN if held == len(results) else RED
        print(f"\n{self._paint(f'{held} of {len(results)} releases ended as they have to', color)}, {seconds:.0f} s.")
        print(f"Every minute is in {report}, the dashboards of each release are beside it.")

    def _paint(self, text: str, color: str) -> str:
        return f"\033[{color}m{text}\033[0m" if self._colored else text


def write(path: Path, results: Sequence[ScenarioResult]) -> None:
    """Writes the report."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"schema": 1, "releases": [record(result) for result in results]}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def write_metrics(result: ScenarioResult, folder: Path) -> None:
    """Writes every sample of a release, with times in seconds since its beginning."""
    metrics = [
        {
            "namespace": metric.namespace,
            "name": metric.name,
            "dimensions": dict(metric.dimensions),
            "samples": [[round(at - result.begun, 1), value] for at, value in result.store.samples(metric)],
        }
        for metric in result.store.metrics()
    ]
    (folder / f"{result.scenario.name}.metrics.json").write_text(json.dumps(metrics), encoding="utf-8")


def draw_dashboards(result: ScenarioResult, version: SynthesizedVersion, folder: Path) -> None:
    """Draws the dashboards of a version at the end of its release."""
    title = f"{result.scenario.title}: {result.status}"
    end = result.begun + len(result.minutes) * MINUTE
    view = DashboardView(title, result.store, result.begun, end, result.states, result.marks)
    for template in version.all:
        for widgets in dashboards(template):
            draw(widgets, view, folder / f"{result.scenario.name}.png")


def record(result: ScenarioResult) -> dict[str, Any]:
    """Returns one release for the report."""
    new, calls = result.served
    return {
        "scenario": result.scenario.name,
        "ends": result.status,
        "reason": result.reason,
        "held": result.held,
        "calls": calls,
        "calls_to_new": new,
        "shares": [{"function": function, "weight": weight} for function, weight in result.shares],
        "minutes": [asdict(minute) for minute in result.minutes],
    }


def _cells(minute: MinuteFigures) -> Sequence[str]:
    pairs = zip(_figures(minute.old), _figures(minute.new), strict=True)
    return (str(minute.number), f"{minute.weight:.0%}", *(cell for pair in pairs for cell in pair))


def _figures(figures: VersionFigures) -> Sequence[str]:
    if not figures.calls:
        return ("",) * 5
    return (
        str(figures.calls),
        str(figures.failed),
        _number(figures.p95, ".0f"),
        _number(figures.accepted, ".0%"),
        _number(figures.llr, "+.1f"),
    )


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _fitted(cells: Sequence[str]) -> str:
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()
