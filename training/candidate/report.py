"""Writes a page on a run of the pipeline, for somebody who was not there.

    python -m training.candidate.report --folder .build/training/tiny

The page, `report/index.html` in that folder, is of the same material as the documents of the candidate, with how long
stages took. Its pictures lie beside it.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from training.evaluation import plots
from training.evaluation.metrics import Trials, eer
from training.evaluation.report import ReportPage
from training.pipeline.progress import duration
from training.quality.page import add_validation

TASKS = {"verification": "Speakers: same or other", "liveness": "Speech: bona fide or synthetic"}
CLASSES = {"verification": ("same speaker", "another speaker"), "liveness": ("bona fide", "synthetic")}
ERRORS = {"verification": ("false match rate", "false non-match rate"), "liveness": ("APCER", "BPCER")}
SIDES = ("candidate", "champion")
FIGURES = {
    "eer": "EER",
    "apcer_at_bpcer_5pct": "APCER at BPCER 5 %",
    "fnmr_at_fmr_1pct": "FNMR at FMR 1 %",
    "min_cllr": "min Cllr",
    "calibration_loss": "Cllr - min Cllr",
}
BINS = 30


def report(folder: Path) -> Path:
    """Writes the page of a run; returns its file."""
    out = folder / "report"
    out.mkdir(parents=True, exist_ok=True)
    page = ReportPage(out, f"Training {folder.name}")
    gates, evaluation = _json(folder / "gates/gates.json"), _json(folder / "evaluation/evaluation.json")
    _summary(page, folder, gates)
    _gates(page, gates)
    _training(page, folder / "run/curves.jsonl")
    _evaluation(page, evaluation, folder / "evaluation/scores.npz")
    add_validation(page, _json(folder / "validation/report.json"))
    _stages(page, _json(folder / "pipeline/state.json"))
    page.write()
    return out / "index.html"


def _summary(page: ReportPage, folder: Path, gates: Mapping[str, Any]) -> None:
    lineage, manifest = _json(folder / "lineage/lineage.json"), _json(folder / "candidate/bundle/manifest.json")
    failed = [each for each in gates["results"] if not each["passed"]]
    outcome = "passed all gates" if gates["passed"] else f"failed {len(failed)} of {len(gates['results'])} criteria"
    page.text(f"The candidate {outcome}. A candidate that failed is not registered.")
    described = {
        "candidate": gates["candidate"],
        "champion that it is compared with": gates["champion"] or "none",
        "run": lineage["run"],
        "revision of the code": lineage["code"],
        "digest of the locks": lineage["lock"],
        "digest of data.csv": lineage["data"],
        "seeds": ", ".join(f"{name} {seed}" for name, seed in lineage["seeds"].items()),
        "embedding space": manifest["embedding_space"],
    }
    page.table(["", "origin"], [[name, str(value)] for name, value in described.items()])


def _gates(page: ReportPage, gates: Mapping[str, Any]) -> None:
    page.heading("Gates")
    page.text("Marked: not fulfilled. The interval is that of what was found, or of the difference to the champion.")
    order = sorted(gates["results"], key=lambda each: each["passed"])
    rows = [
        [
            f"{each['gate']}: {each['criterion']}{_cohort(each)}",
            _number(each["bound"]),
            _number(each["found"]),
            "-" if each["interval"] is None else " to ".join(map(_number, each["interval"])),
            "yes" if each["passed"] else "no",
        ]
        for each in order
    ]
    failed = [row[0] for row in rows if row[-1] == "no"]
    page.table(["criterion", "bound", "found", "interval", "fulfilled"], rows, failed)


def _training(page: ReportPage, curves: Path) -> None:
    page.heading("Training of the detector")
    page.text("Held out: speakers and families of attacks that nothing was trained on.")
    lines = curves.read_text(encoding="utf-8").splitlines()
    page.picture("curves", plots.curves([json.loads(line) for line in lines]))


def _evaluation(page: ReportPage, evaluation: Mapping[str, Any], scores: Path) -> None:
    if evaluation["error"]:
        page.heading("Evaluation")
        page.text(f"The candidate could not be measured: {evaluation['error']}")
        return
    known = dict(np.load(scores)) if scores.exists() else {}
    for task, title in TASKS.items():
        sets = [each for each in evaluation["sets"] if each["task"] == task]
        page.heading(title)
        if not sets:
            page.text("Not measured: too few recordings of speakers that nothing was trained on.")
            continue
        page.text("Each figure is that of the candidate, then that of the champion, on the same trials.")
        names = [name for name in FIGURES if any(name in each["figures"] for each in sets)]
        page.table(["cohort", *(FIGURES[name] for name in names)], [_figures(each, names) for each in sets])
        if f"{task} all" in known:
            _pictures(page, task, known[f"{task} all"])


def _pictures(page: ReportPage, task: str, rows: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    count = int((rows[0] > 0.5).sum())
    of_class = f"{count} of {CLASSES[task][0]}, {len(rows[0]) - count} of {CLASSES[task][1]}"
    page.text(f"In the pictures: all trials on the line that they were recorded on, {of_class}.")
    page.picture(f"scores-{task}", score_figure(rows, CLASSES[task]))
    trials = {
        name: Trials.of(scores.astype(np.float64), rows[0] > 0.5) for name, scores in zip(SIDES, rows[1:], strict=False)
    }
    if any(eer(each) > 0 for each in trials.values()):
        page.picture(f"det-{task}", plots.det(trials, ERRORS[task]))
    else:
        page.text("No threshold makes an error on these, so that there is no trade-off to draw.")


def _figures(each: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    cells = [each["figures"].get(name, {}) for name in names]
    both = [f"{_number(cell.get('candidate'))} / {_number(cell.get('champion'))}" for cell in cells]
    return [each["cohort"] or "all", *both]


def score_figure(rows: np.ndarray[Any, np.dtype[np.float32]], classes: tuple[str, str]) -> Figure:
    """Draws the scores of candidate and champion by class, shape (1 + bundles, trials), the labels first."""
    figure = Figure((4.5 * (len(rows) - 1), 3.4), layout="constrained")
    target = rows[0] > 0.5
    columns = figure.subplots(1, len(rows) - 1, squeeze=False)[0]
    for axes, scores, name in zip(columns, rows[1:], SIDES, strict=False):
        edges = np.linspace(scores.min(), scores.max() + 1e-6, BINS + 1)
        for side, label, color in ((target, classes[0], plots.HUMAN), (~target, classes[1], plots.SYNTHETIC)):
            weights = np.full(int(side.sum()), 1.0 / max(int(side.sum()), 1))
            axes.hist(scores[side], edges, weights=weights, color=color, alpha=0.55, label=label)
        plots.style(axes, name, "LLR", "share of the class")
        axes.legend(fontsize=8, frameon=False)
    return figure


def _stages(page: ReportPage, state: Mapping[str, Any]) -> None:
    page.heading("Stages")
    total = sum(each["seconds"] for each in state.values())
    busy = sum(each.get("processor_seconds", 0.0) for each in state.values())
    said = f"{len(state)} stages took {duration(total)}, {duration(busy)} of processor time, each when it last ran."
    page.text(f"{said} Times depend on the machine.")
    rows = [
        [name, duration(each["seconds"]), duration(each.get("processor_seconds", 0.0)), each["finished"]]
        for name, each in state.items()
    ]
    page.table(["stage", "took", "processor time", "finished"], rows)


def _cohort(each: Mapping[str, Any]) -> str:
    return f" ({each['cohort']})" if each["cohort"] else ""


def _number(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value if len(value) < 60 else f"{value[:57]}..."
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def failures(folder: Path) -> Iterator[str]:
    """Yields a line for each gate that failed."""
    for each in _json(folder / "gates/gates.json")["results"]:
        if not each["passed"]:
            found, bound = _number(each["found"]), _number(each["bound"])
            yield f"{each['gate']}: {each['criterion']}{_cohort(each)}: {found}, bound {bound}"


def main() -> None:
    """Writes the page, and says what became of the candidate."""
    parser = argparse.ArgumentParser(description="Write a page on a run of the pipeline.")
    parser.add_argument("--folder", type=Path, required=True, help="of a size")
    folder = parser.parse_args().folder
    page, failed = report(folder), list(failures(folder))
    result = f"not registered: gates failed ({len(failed)})" if failed else "passed all gates, and may be registered"
    where = f"candidate {folder / 'candidate'}: {result}; report: {page}"
    sys.stdout.write("\n".join([*failed, where, ""]))


if __name__ == "__main__":
    main()
