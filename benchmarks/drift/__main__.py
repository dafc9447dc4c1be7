"""Simulates the watch for drift on recordings: `python -m benchmarks.drift --manifest M [--spoof S]`; prints its page.

Half of the speakers make the baseline; windows are drawn by speaker from the other half. Without a change they must
raise no alarm; with a planted one they must.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.drift.material import material
from benchmarks.drift.shifts import SHIFTS
from benchmarks.drift.traffic import PLAIN, RecordedCaller, callers, window, with_language, with_spoofs
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
from training.corpus.manifest import ManifestError

BUNDLE = Path(".build/layers/model/bundle")
OUT = Path(".build/drift")
# Windows of each planted change.
OF_A_CHANGE = 20
SPOOF_SHARES = (0.1, 0.3, 0.5)
# Hourly windows of the page: five days as before, two with the change.
WEEK = (120, 48)
START = datetime(2026, 1, 5, tzinfo=UTC)

type Draw = Callable[[], list[ObservedCall]]


@dataclass(frozen=True, slots=True)
class Scene:
    """Speakers of one simulation.

    Attributes:
        learned: whose calls make the baseline.
        held_out: whose calls make the windows.
        newcomers: of a language that the baseline never heard.
        spoofs: what the models find in synthetic voices.
        size: speakers of a window.
    """

    learned: Sequence[RecordedCaller]
    held_out: Sequence[RecordedCaller]
    newcomers: Sequence[RecordedCaller]
    spoofs: Sequence[ObservedCall]
    size: int

    @classmethod
    def of(
        cls, found: Sequence[RecordedCaller], spoofs: Sequence[ObservedCall], size: int, generator: np.random.Generator
    ) -> "Scene":
        """Splits speakers; those of the language that fewest speak stay apart as newcomers, if languages are named."""
        languages = sorted(
            {each.language for each in found}, key=lambda name: sum(each.language == name for each in found)
        )
        rarest = languages[0] if len(languages) > 2 else None
        others = [each for each in found if each.language != rarest]
        order = [others[index] for index in generator.permutation(len(others))]
        half = len(order) // 2
        newcomers = [each for each in found if each.language == rarest]
        return cls(order[:half], order[half:], newcomers, spoofs, min(size, len(order) - half))

    def changes(self, generator: np.random.Generator) -> Mapping[str, Draw]:
        """Returns how a window of each planted change is drawn."""
        kinds = sorted(set(self.held_out[0].calls) - {PLAIN})
        made: dict[str, Draw] = {kind: partial(window, self.held_out, self.size, generator, kind) for kind in kinds}
        for share in SPOOF_SHARES if self.spoofs else ():
            made[f"spoof wave, {share:.0%} of callers"] = partial(self._attacked, share, generator)
        if self.newcomers:
            made[f"language {self._leaving} replaced by {self.newcomers[0].language}"] = lambda: with_language(
                self.plain(generator),
                [each for each in self.held_out if each.language == self._leaving],
                self.newcomers,
            )
        return made

    def _attacked(self, share: float, generator: np.random.Generator) -> list[ObservedCall]:
        return with_spoofs(self.plain(generator), self.spoofs, share, generator)

    def plain(self, generator: np.random.Generator) -> list[ObservedCall]:
        """Draws a window without a change."""
        return window(self.held_out, self.size, generator)

    @property
    def _leaving(self) -> str:
        spoken = [each.language for each in self.held_out]
        return min(set(spoken), key=spoken.count)


def main() -> int:
    """Runs the command; returns 0 if no more than 1 % of windows without a change raised the alarm."""
    given = _arguments()
    try:
        bundle = BundleFiles.open(given.bundle)
        calibration, generator = Calibration.parse(bundle.calibration()), np.random.default_rng(given.seed)
        found = callers(material(given.manifest, given.bundle, sorted(SHIFTS), OUT), calibration, bundle.digest)
        spoofs = _spoofs(given, calibration, bundle.digest)
    except ManifestError as error:
        print(error, file=sys.stderr)
        return 2
    if len(found) < 2 * LEAST_SPEAKERS:
        print(f"{len(found)} speakers are too few: at least {2 * LEAST_SPEAKERS} are needed", file=sys.stderr)
        return 2
    scene = Scene.of(found, spoofs, given.speakers, generator)
    learned = [call for each in scene.learned for call in each.calls[PLAIN]]
    baseline = DriftBaseline(bundle.digest, START - timedelta(days=14), START, distributions(learned, bundle.digest))
    return _report(scene, baseline, given.windows, generator)


def _spoofs(given: argparse.Namespace, calibration: Calibration, bundle: str) -> list[ObservedCall]:
    if given.spoof is None:
        return []
    every = material(given.spoof, given.bundle, [], OUT)
    machines = [each for each in every if each.clip.row.get("label", "spoof") == "spoof"]
    return [call for each in callers(machines, calibration, bundle) for call in each.calls[PLAIN]]


def _report(scene: Scene, baseline: DriftBaseline, windows: int, generator: np.random.Generator) -> int:
    changes = scene.changes(generator)
    alarms = {name: list(_alarms(baseline, draw, OF_A_CHANGE)) for name, draw in changes.items()}
    false = list(_alarms(baseline, lambda: scene.plain(generator), windows))
    rows = [("none", f"{sum(map(bool, false))} of {windows}", _named(false))]
    rows += [(name, f"{sum(map(bool, each))} of {OF_A_CHANGE}", _named(each)) for name, each in alarms.items()]
    shown = (
        max(changes, key=lambda name: (len({signal for each in alarms[name] for signal in each}), name))
        if changes
        else ""
    )
    page = drift_page(
        drift_report("simulated", baseline, _week(scene, baseline, changes.get(shown), generator)).model_dump(
            mode="json"
        )
    )
    page.heading("Alarms")
    page.text(
        f"Baseline: {len(scene.learned)} speakers. Windows: {scene.size} speakers each, drawn from "
        f"{len(scene.held_out)} others. "
        f"The week above has the change `{shown}` in its last two days."
    )
    page.table(("planted change", "windows that alarm", "signals"), rows)
    print(page.write(OUT / "simulation.html"))
    (OUT / "simulation.json").write_text(json.dumps(rows, indent=1))
    for row in rows:
        print("  ".join(row), file=sys.stderr)
    return 0 if sum(map(bool, false)) <= windows / 100 else 3


def _alarms(baseline: DriftBaseline, draw: Draw, count: int) -> Iterator[list[DriftSignal]]:
    for _ in range(count):
        yield drifted(differences(baseline, draw()))


def _named(alarms: Sequence[Sequence[DriftSignal]]) -> str:
    counts = {signal: sum(signal in each for each in alarms) for signal in DriftSignal}
    return ", ".join(f"{signal} {count}" for signal, count in counts.items() if count)


def _week(
    scene: Scene, baseline: DriftBaseline, change: Draw | None, generator: np.random.Generator
) -> list[DriftWindow]:
    draws = [scene.plain(generator) for _ in range(WEEK[0])]
    draws += [change() if change else scene.plain(generator) for _ in range(WEEK[1])]
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
    parser.add_argument("--windows", type=int, default=200, help="windows without a change")
    parser.add_argument("--speakers", type=int, default=60, help="speakers of a window")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
