"""Shows a validation as a page: violations first, then what the data holds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from training.corpus.files import BONAFIDE, SPOOF
from training.corpus.rows import CorpusRow
from training.evaluation.plots import HUMAN, SYNTHETIC, style
from training.evaluation.report import ReportPage
from training.quality.traits import FileTraits

SHOWN = {
    "level_db": "level, dB of full scale",
    "silence": "share of quiet frames",
    "band_hz": "end of the band, Hz",
    "leading_ms": "silence before speech, ms",
}
BINS = 25
MOST_ROWS = 200


def write_page(
    folder: Path, document: Mapping[str, Any], rows: Sequence[CorpusRow], traits: Mapping[str, FileTraits]
) -> None:
    """Writes index.html, with its pictures beside it."""
    page = ReportPage(folder, "Data of a training")
    add_validation(page, document)
    known = [row for row in rows if row.path in traits]
    if known:
        page.heading("Traits by class")
        page.text("None of these may tell the classes apart; where one nearly does, it is a violation.")
        page.picture("traits", trait_figure(known, traits))
    page.write()


def add_validation(page: ReportPage, document: Mapping[str, Any]) -> None:
    """Adds violations and counts to a page."""
    page.heading("Data")
    found = document["violations"]
    outcome = "Everything is as expected." if not found else f"{len(found)} violations; nothing was trained on this."
    said = f"{document['rows']} files of {document['speakers']} speakers, {document['hours']:.2f} hours."
    page.text(f"{outcome} {said} Expectations, version {document['expectations']}.")
    if found:
        names = ("rule", "path", "column", "found", "expected")
        page.table(names, [[each[name] for name in names] for each in found[:MOST_ROWS]])
    counts = [[each["split"], each["label"], each["family"] or "-", str(each["rows"])] for each in document["counts"]]
    page.table(["side", "label", "family of attacks", "files"], counts)
    channels = [
        [name, str(each["bonafide"]), str(each["spoof"]), f"{each['bonafide'] / sum(each.values()):.0%}"]
        for name, each in document["channels"].items()
    ]
    page.table(["channel", "bona fide crops", "spoofed crops", "bona fide"], channels)
    page.table(["licence", "files"], [[name, str(count)] for name, count in document["licenses"].items()])


def trait_figure(rows: Sequence[CorpusRow], traits: Mapping[str, FileTraits]) -> Figure:
    """Draws the distribution of each trait for both classes."""
    figure = Figure((9.0, 5.2), layout="constrained")
    for axes, (trait, name) in zip(figure.subplots(2, 2).ravel(), SHOWN.items(), strict=True):
        values = {
            label: np.array([getattr(traits[row.path], trait) for row in rows if row.label == label], np.float64)
            for label in (BONAFIDE, SPOOF)
        }
        together = np.concatenate(list(values.values()))
        edges = np.linspace(together.min(), together.max() + 1e-6, BINS + 1)
        for (label, each), color in zip(values.items(), (HUMAN, SYNTHETIC), strict=True):
            weights = np.full(len(each), 1.0 / max(len(each), 1))
            axes.hist(each, edges, weights=weights, color=color, alpha=0.55, label=label)
        style(axes, name, "", "share of the class")
        axes.legend(fontsize=8, frameon=False)
    return figure
