"""Simulates the watch for drift on recordings: `python -m benchmarks.drift --manifest M [--spoof S]`; prints its page.

In each of several random splits, half of the speakers make the baseline, and windows are drawn by speaker from the
other half. Without a change they must raise no alarm; with a planted one they must.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import numpy as np

from benchmarks.drift.material import material
from benchmarks.drift.scenes import Scene
from benchmarks.drift.shifts import SHIFTS
from benchmarks.drift.traffic import PLAIN, callers
from bonafide.adapters.bundle import BundleFiles
from bonafide.biometrics.drift import (
    LEAST_SPEAKERS,
    DriftBaseline,
    DriftSignal,
    ObservedCall,
    differences,
    distributions,
    drifted,
)
from bonafide.biometrics.scoring import Calibration
from bonafide.contracts.drift import drift_report
from bonafide.records.drift import DriftWindow
from ops.monitoring.drift_page import drift_page
from ops.monitoring.page import MonitoringPage
from training.corpus.manifest import ManifestError

BUNDLE = Path(".build/layers/model/bundle")
OUT = Path(".build/drift")
SPLITS = 10
# Windows of each planted change, split and size.
OF_A_CHANGE = 3
# Hourly windows of the page: five days as before, two with the change.
WEEK = (120, 48)
START = datetime(2026, 1, 5, tzinfo=UTC)
NOTHING = "none"

# Signals that drifted, of each window.
type Alarms = Sequence[Sequence[DriftSignal]]


def main() -> int:
    """Runs the command; returns 0 if no more than 1 % of windows without a change raised the alarm."""
    given = _arguments()
    try:
        bundle = BundleFiles.open(given.bundle)
        calibration = Calibration.parse(bundle.calibration())
        found = callers(material(given.manifest, given.bundle, sorted(SHIFTS), OUT), calibration, bundle.digest)
        found = [each.usually(given.line) for each in found] if given.line else found
        spoofs = _spoofs(given, calibration, bundle.digest)
    except ManifestError as error:
        print(error, file=sys.stderr)
        return 2
    if len(found) < 2 * LEAST_SPEAKERS:
        print(f"{len(found)} speakers are too few: at least {2 * LEAST_SPEAKERS} are needed", file=sys.stderr)
        return 2
    scenes = [Scene.of(found, spoofs, np.random.default_rng([given.seed, number])) for number in range(SPLITS)]
    baselines = [_baseline(scene, bundle.digest) for scene in scenes]
    sizes = [size for size in given.speakers if size <= len(scenes[0].held_out)]
    results = {size: _simulated(scenes, baselines, size, given.windows) for size in sizes}
    print(_page(scenes[0], baselines[0], results).write(OUT / "simulation.html"))
    return 0 if all(sum(map(bool, each[NOTHING])) <= len(each[NOTHING]) / 100 for each in results.values()) else 3


def _spoofs(given: argparse.Namespace, calibration: Calibration, bundle: str) -> list[ObservedCall]:
    if given.spoof is None:
        return []
    every = material(given.spoof, given.bundle, [], OUT)
    machines = [each for each in every if each.clip.row.get("label", "spoof") == "spoof"]
    return [call for each in callers(machines, calibration, bundle) for call in each.calls[PLAIN]]


def _baseline(scene: Scene, bundle: str) -> DriftBaseline:
    calls = [call for each in scene.learned for call in each.calls[PLAIN]]
    return DriftBaseline(bundle, START - timedelta(days=14), START, distributions(calls, bundle))


def _simulated(
    scenes: Sequence[Scene], baselines: Sequence[DriftBaseline], size: int, windows: int
) -> Mapping[str, Alarms]:
    """Returns the alarms of each change, over all splits."""
    found: dict[str, list[list[DriftSignal]]] = {}
    for scene, baseline in zip(scenes, baselines, strict=True):
        draws = {
            NOTHING: (scene.plain, windows),
            **{name: (each, OF_A_CHANGE) for name, each in scene.changes().items()},
        }
        for name, (draw, count) in draws.items():
            made = [drifted(differences(baseline, draw(size))) for _ in range(count)]
            found.setdefault(name, []).extend(made)
    return found


def _page(scene: Scene, baseline: DriftBaseline, results: Mapping[int, Mapping[str, Alarms]]) -> MonitoringPage:
    largest = max(results)
    changes = [name for name in results[largest] if name != NOTHING]
    shown = max(changes, key=lambda name: len(set(chain.from_iterable(results[largest][name]))), default=NOTHING)
    week = _week(scene, baseline, shown, largest)
    note = f"Simulated on recordings: five days as they are, then two with the planted change `{shown}`."
    page = drift_page(drift_report("simulated", baseline, week).model_dump(mode="json"), note=note)
    page.heading("Alarms")
    page.text(
        f"Baselines of {len(scene.learned)} speakers, windows drawn from {len(scene.held_out)} others, {SPLITS} random "
        "splits. `codec` is 5 kbit/s at 8 kHz, `noise` a background 10 dB louder, `telephone` a line with G.711."
    )
    head = ("change", *(f"windows of {size} speakers that alarm" for size in results), "signals in the largest")
    rows = [
        (name, *(_count(each[name]) for each in results.values()), _named(results[largest][name]))
        for name in (NOTHING, *changes)
    ]
    page.table(head, rows)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "simulation.json").write_text(json.dumps([head, *rows], indent=1))
    print("\n".join("  ".join(row) for row in (head, *rows)), file=sys.stderr)
    return page


def _count(alarms: Alarms) -> str:
    return f"{sum(map(bool, alarms))} of {len(alarms)}"


def _named(alarms: Alarms) -> str:
    counts = {signal: sum(signal in each for each in alarms) for signal in DriftSignal}
    return ", ".join(f"{signal} {count}" for signal, count in counts.items() if count)


def _week(scene: Scene, baseline: DriftBaseline, change: str, size: int) -> list[DriftWindow]:
    draw = {NOTHING: scene.plain, **scene.changes()}[change]
    draws = [scene.plain(size) for _ in range(WEEK[0])] + [draw(size) for _ in range(WEEK[1])]
    return [
        DriftWindow(
            "simulated",
            START + timedelta(hours=hour - 24),
            START + timedelta(hours=hour),
            baseline.bundle,
            len(calls),
            len({each.speaker for each in calls}),
            baseline.version,
            differences(baseline, calls),
        )
        for hour, calls in enumerate(draws)
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description="Simulate the watch for drift.")
    parser.add_argument(
        "--manifest", type=Path, required=True, help="CSV of human recordings: path, speaker [language]"
    )
    parser.add_argument("--spoof", type=Path, help="CSV of synthetic recordings: path, speaker [label]")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--windows", type=int, default=100, help="windows without a change, of each split and size")
    parser.add_argument("--speakers", type=int, nargs="+", default=[30, 50, 100], help="speakers of a window")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--line", choices=[*SHIFTS], help="of all calls before anything changes; changes are of the recording"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
