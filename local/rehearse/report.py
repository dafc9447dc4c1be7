"""What happened, for the person on call and for machines."""

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
from local.rehearse.results import MinuteFigures, ScenarioResult, VersionFigures
from local.rehearse.scenarios import Scenario
from local.rehearse.target import SynthesizedVersion

GREEN, RED, DIM, BOLD = "32", "31", "2", "1"
HEADINGS = ("minute", "to new", "calls", "new", "failed", "new", "p95 ms", "new", "accepted", "new", "LLR", "new")
WIDTHS = tuple(max(len(each), 5) for each in HEADINGS)


class RehearsalTable:
    """Prints stories as they happen."""

    def __init__(self) -> None:
        self._colored = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def opening(self, scenario: Scenario) -> None:
        """Starts a scenario."""
        print(f"\n{self._paint(scenario.name, BOLD)}: {scenario.title}", flush=True)
        print(self._paint(_fitted(HEADINGS), DIM), flush=True)

    def line(self, minute: MinuteFigures) -> None:
        """Prints what a minute was like, then what happened at its end."""
        print(_fitted(_cells(minute)), flush=True)
        for note in minute.notes:
            color = RED if "ALARM" in note or "rolled back" in note else DIM
            print(self._paint(f"        {note}", color), flush=True)

    def verdict(self, story: ScenarioResult) -> None:
        """Says how a scenario ended, and whether it had to."""
        new, calls = story.served
        mark = self._paint("\u2713", GREEN) if story.held else self._paint("\u2717", RED)
        because = f": {story.reason}" if story.reason else ""
        print(f"{mark} {story.status}{because}. The new version answered {new} of {calls} calls.", flush=True)
        if not story.held:
            wanted = f" by {story.scenario.stopped_by}" if story.scenario.stopped_by else ""
            print(self._paint(f"  expected: {story.scenario.ends}{wanted}, and never all traffic", RED), flush=True)

    def closing(self, stories: Sequence[ScenarioResult], seconds: float, report: Path) -> None:
        """Says how it all went."""
        held = sum(story.held for story in stories)
        color = GREEN if held == len(stories) else RED
        print(f"\n{self._paint(f'{held} of {len(stories)} releases ended as they have to', color)}, {seconds:.0f} s.")
        print(f"Every minute is in {report}, the dashboards of each release are beside it.")

    def _paint(self, text: str, color: str) -> str:
        return f"\033[{color}m{text}\033[0m" if self._colored else text


def write(path: Path, stories: Sequence[ScenarioResult]) -> None:
    """Writes the report."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"schema": 1, "releases": [record(story) for story in stories]}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def write_metrics(story: ScenarioResult, folder: Path) -> None:
    """Writes every sample of a release, with times in seconds since its beginning."""
    metrics = [
        {
            "namespace": metric.namespace,
            "name": metric.name,
            "dimensions": dict(metric.dimensions),
            "samples": [[round(at - story.begun, 1), value] for at, value in story.store.samples(metric)],
        }
        for metric in story.store.metrics()
    ]
    (folder / f"{story.scenario.name}.metrics.json").write_text(json.dumps(metrics), encoding="utf-8")


def draw_dashboards(story: ScenarioResult, version: SynthesizedVersion, folder: Path) -> None:
    """Draws the dashboards of a version as they looked when its release had ended."""
    title = f"{story.scenario.title}: {story.status}"
    end = story.begun + len(story.minutes) * MINUTE
    scene = DashboardView(title, story.store, story.begun, end, story.states, story.marks)
    for template in version.all:
        for widgets in dashboards(template):
            draw(widgets, scene, folder / f"{story.scenario.name}.png")


def record(story: ScenarioResult) -> dict[str, Any]:
    """One release, for the report."""
    new, calls = story.served
    return {
        "scenario": story.scenario.name,
        "ends": story.status,
        "reason": story.reason,
        "held": story.held,
        "calls": calls,
        "calls_to_new": new,
        "shares": [{"function": function, "weight": weight} for function, weight in story.shares],
        "minutes": [asdict(minute) for minute in story.minutes],
    }


def _cells(minute: MinuteFigures) -> Sequence[str]:
    pairs = zip(_figures(minute.old), _figures(minute.new), strict=True)
    return (str(minute.number), f"{minute.weight:.0%}", *(cell for pair in pairs for cell in pair))


def _figures(side: VersionFigures) -> Sequence[str]:
    if not side.calls:
        return ("",) * 5
    return (
        str(side.calls),
        str(side.failed),
        _number(side.p95, ".0f"),
        _number(side.accepted, ".0%"),
        _number(side.llr, "+.1f"),
    )


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _fitted(cells: Sequence[str]) -> str:
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()
