"""The page on drift shows what alarmed, with what to do, and says when there is nothing to compare."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bonafide.biometrics.drift import DriftBaseline, DriftSignal, ObservedCall, differences, distributions
from bonafide.contracts.drift import drift_report
from bonafide.records.drift import DriftWindow
from ops.monitoring.drift_page import drift_page

START = datetime(2026, 3, 1, tzinfo=UTC)


def calls(generator: np.random.Generator, level: float) -> list[ObservedCall]:
    return [
        ObservedCall(f"s{number}", "b" * 64, {DriftSignal.LEVEL: float(generator.normal(level, 3))})
        for number in range(100)
    ]


def report(levels: list[float]) -> dict[str, Any]:
    generator = np.random.default_rng(1)
    baseline = DriftBaseline("b" * 64, START, START, distributions(calls(generator, -25.0), "b" * 64))
    windows = []
    for hour, level in enumerate(levels):
        end = START + timedelta(hours=hour)
        found = differences(baseline, calls(generator, level))
        windows.append(DriftWindow("acme", end - timedelta(days=1), end, "b" * 64, 100, 100, 1, found))
    return drift_report("acme", baseline, windows).model_dump(mode="json")


def test_a_signal_beyond_its_bounds_stands_out(tmp_path: Path) -> None:
    text = drift_page(report([-25.0, -25.0, -15.0])).write(tmp_path / "page.html").read_text()
    assert "1 of 3 windows drifted: level of speech, dBFS (1). The first of them ended 2026-03-01 02:00 UTC." in text
    assert "The last window still drifts." in text
    assert '<td class="text marked">higher in ' in text
    assert "data:image/png;base64," in text
    assert "docs/runbooks/drift.md" in text


def test_a_week_without_drift_says_so_first(tmp_path: Path) -> None:
    text = drift_page(report([-25.0, -25.0])).write(tmp_path / "page.html").read_text()
    assert "Nothing drifted in 2 windows." in text
    assert "marked" not in text.partition("</style>")[2]


def test_a_baseline_is_shown_beside_known_recordings_where_a_bundle_brings_them(tmp_path: Path) -> None:
    line = {"level_dbfs": {"wideband": {"points": [-30.0, -20.0, -10.0], "below": [0.05, 0.5, 1.0]}}}
    page = drift_page(report([-25.0]), {"lines": {"native": line, "telephone": {}}})
    assert "-20.00 (-30.00 to -10.00)" in page.write(tmp_path / "page.html").read_text()


def test_without_windows_or_baseline_the_page_says_so(tmp_path: Path) -> None:
    empty: dict[str, Any] = {"domain": "acme", "baseline": None, "windows": []}
    assert "runs every hour" in drift_page(empty).write(tmp_path / "a.html").read_text()
    window = DriftWindow("acme", START, START, "", 0, 0, 0, {})
    learning = drift_report("acme", None, [window]).model_dump(mode="json")
    assert "No baseline yet" in drift_page(learning).write(tmp_path / "b.html").read_text()
