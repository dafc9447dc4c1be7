"""Writes a page on a detector: its training, its errors on labeled speech, and the decisions that follow from them.

    python -m training.evaluation.report --spoof spoof.csv --out DIRECTORY [--manifest verify.csv] [--enroll 1|3]
        [--curves FILE ...]

`index.html` holds its pictures; beside it are the same as PNG files, and the figures as JSON, as from `evaluate`.
"""

import argparse
import base64
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from training.corpus.manifest import ManifestError
from training.evaluation import plots, spoof, tandem
from training.evaluation.metrics import Kind, Trials

BUNDLE = Path(".build/layers/model/bundle")
CURVES = [Path(".build/detector/run/curves.jsonl")]
CONDITIONS = ("native", "telephone")
PAGE = Path(__file__).parent / "report.html"
RATES = {
    "eer": "EER",
    "apcer_at_bpcer_5pct": "APCER at BPCER 5 %",
    "bpcer_at_apcer_10pct": "BPCER at APCER 10 %",
}
SHIPPED = {
    "apcer": "spoofed but not called spoof",
    "bpcer": "bona fide but called spoof",
    "uncertain": "uncertain, of all",
}
CALLERS = {"target": "speakers", "nontarget": "other humans", "spoof": "synthetic copies"}
COSTS = {
    "a_dcf": "a-DCF of the decisions",
    "min_a_dcf": "least a-DCF of a threshold",
    "speaker_alone_a_dcf": "a-DCF of the speaker alone",
    "speaker_alone_min_a_dcf": "least a-DCF of the speaker alone",
    "published_min_a_dcf": "least a-DCF at published costs",
    "published_speaker_alone_min_a_dcf": "least a-DCF of the speaker alone at published costs",
}


@dataclass
class ReportPage:
    """A page that is being written, with its folder.

    Attributes:
        folder: where pictures and figures go.
        title: of the page.
        parts: HTML so far.
    """

    folder: Path
    title: str = "Detector of synthetic speech"
    parts: list[str] = field(default_factory=list)

    def heading(self, text: str) -> None:
        """Begins a section."""
        self.parts.append(f"<h2>{escape(text)}</h2>")

    def text(self, text: str) -> None:
        """Adds a paragraph."""
        self.parts.append(f"<p>{escape(text)}</p>")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]], marked: Sequence[str] = ()) -> None:
        """Adds a table; rows whose first cell is in `marked` stand out."""
        body = "".join(_row(row, "td", "marked" if row[0] in marked else "") for row in rows)
        self.parts.append(f"<table>{_row(head, 'th')}{body}</table>")

    def picture(self, name: str, figure: Figure) -> None:
        """Adds a picture, in the page and as a file beside it."""
        content = plots.png(figure)
        (self.folder / f"{name}.png").write_bytes(content)
        embedded = base64.b64encode(content).decode()
        self.parts.append(f'<img alt="{escape(name)}" src="data:image/png;base64,{embedded}">')

    def figures(self, name: str, report: Mapping[str, Any]) -> None:
        """Writes figures as a file beside the page."""
        (self.folder / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")

    def write(self) -> None:
        """Writes the page."""
        page = Template(PAGE.read_text(encoding="utf-8")).substitute(
            title=escape(self.title), body="\n".join(self.parts)
        )
        (self.folder / "index.html").write_text(page, encoding="utf-8")


def training(page: ReportPage, files: Sequence[Path]) -> None:
    """Adds the curves of each part of the training that kept some."""
    page.heading("Training")
    kept = {path.stem: path.read_text(encoding="utf-8").splitlines() for path in files if path.is_file()}
    for name, lines in kept.items():
        if lines:
            page.picture(name, plots.curves([json.loads(line) for line in lines]))
    if not any(kept.values()):
        page.text("No curves were kept of this training.")


def detection(
    page: ReportPage, scored: Mapping[str, spoof.ScoredSpeech], reports: Mapping[str, Mapping[str, Any]]
) -> None:
    """Adds the detection of synthetic speech alone, by condition."""
    one = next(iter(reports.values()))
    page.heading("Synthetic speech")
    page.text(f"{one['bonafide']} bona fide, {one['spoofed']} spoofed recordings of {len(one['per_system'])} systems.")
    page.text(f"Bundle {one['bundle'][:16]}, manifest {one['manifest'][:16]}.")
    rates, bits = _measured(reports, RATES, "{:.1%}"), _measured(reports, {"cllr": "Cllr, bits"}, "{:.2f}")
    page.table(["", *reports], [*rates, *bits, *_errors(reports)])
    trials = {name: Trials.of(each.llr, each.human) for name, each in scored.items()}
    page.picture("det", plots.det(trials, ("APCER", "BPCER")))
    for name, each in scored.items():
        page.figures(f"spoof-{name}", reports[name])
        page.heading(f"Calibration, {name}")
        limits = reports[name]["thresholds"]
        page.picture(f"calibration-{name}", plots.calibration(each.llr, each.human, tuple(limits.values())))
    _systems(page, reports)


def decisions(
    page: ReportPage, tables: Mapping[str, tandem.ClaimTable], reports: Mapping[str, Mapping[str, Any]]
) -> None:
    """Adds the whole decision, by condition."""
    page.heading("The whole decision")
    page.text(_method(next(iter(reports.values()))))
    page.table(["a-DCF, normalized", *reports], _measured(reports, COSTS, "{:.3f}"))
    for name, report in reports.items():
        page.figures(f"tandem-{name}", report)
        page.heading(f"Decisions, {name}")
        page.picture(
            f"decisions-{name}", plots.decisions({CALLERS[kind]: report["decisions"][kind] for kind in CALLERS})
        )
        page.picture(f"det-tandem-{name}", plots.det(_pairs(tables[name]), ("accepted", "refused speakers")))


def main() -> int:
    """Runs the command."""
    arguments = _arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    page = ReportPage(arguments.out)
    try:
        training(page, arguments.curves)
        _detection(page, arguments.spoof, arguments.bundle)
        if arguments.manifest:
            _decisions(page, (arguments.manifest, arguments.spoof), arguments.bundle, arguments.enroll)
    except ManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    page.write()
    sys.stdout.write(f"{arguments.out / 'index.html'}\n")
    return 0


def _detection(page: ReportPage, manifest: Path, bundle: Path) -> None:
    scored = {name: spoof.score(manifest, bundle, name) for name in CONDITIONS}
    detection(page, scored, {name: spoof.summarize(manifest, bundle, name, each) for name, each in scored.items()})


def _decisions(page: ReportPage, manifests: tuple[Path, Path], bundle: Path, enroll: int) -> None:
    made = {name: tandem.make(manifests, bundle, name, enroll) for name in CONDITIONS}
    reports = {name: tandem.summarize(manifests, bundle, name, enroll, each) for name, each in made.items()}
    decisions(page, {name: each.table for name, each in made.items()}, reports)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Write a page on a detector of synthetic speech.")
    parser.add_argument("--spoof", type=Path, required=True)
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--enroll", type=int, choices=range(1, 11), default=1, metavar="N")
    parser.add_argument("--curves", type=Path, nargs="*", default=CURVES)
    parser.add_argument("--out", type=Path, default=Path(".build/report"))
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    return parser.parse_args()


def _row(cells: Sequence[str], tag: str, style: str = "") -> str:
    opened = f'<tr class="{style}">' if style else "<tr>"
    return opened + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _measured(
    reports: Mapping[str, Mapping[str, Any]], names: Mapping[str, str], form: str
) -> Iterator[tuple[str, ...]]:
    """Yields rows of figures with their intervals, one column for each condition."""
    for key, name in names.items():
        cells = [(report[key], report["confidence_intervals"][key]) for report in reports.values()]
        yield (name, *(f"{form.format(value)} {_interval(limits, form)}" for value, limits in cells))


def _interval(limits: Sequence[float] | None, form: str) -> str:
    return f"[{form}, {form}]".format(*limits) if limits else "[too few speakers]"


def _errors(reports: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yields rows of the error rates at the shipped thresholds."""
    for key, name in SHIPPED.items():
        yield (name, *(f"{report[key]:.1%}" for report in reports.values()))


def _systems(page: ReportPage, reports: Mapping[str, Mapping[str, Any]]) -> None:
    """Adds every system, those at chance first."""
    page.heading("By system")
    page.text(f"Marked: at chance in a condition, that is an EER of {spoof.CHANCE:.0%} or more.")
    tables = [report["per_system"] for report in reports.values()]
    marked = [name for report in reports.values() for name in report["at_chance"]]
    order = sorted(tables[0], key=lambda name: (-max(each[name]["eer"] for each in tables), name))
    head = [f"{rate}, {name}" for name in reports for rate in ("EER", "APCER at BPCER 5 %")]
    rows = [
        [
            name,
            str(tables[0][name]["recordings"]),
            *(f"{each[name][key]:.0%}" for each in tables for key in ("eer", "apcer_at_bpcer_5pct")),
        ]
        for name in order
    ]
    page.table(["system", "recordings", *head], rows, marked)


def _method(report: Mapping[str, Any]) -> str:
    """Says which claims the decisions were measured on."""
    claims, spoofs = report["claims"], report["spoofs"]
    return (
        f"{claims['target']} claims of speakers, {claims['nontarget']} of other humans; "
        f"{spoofs['against_their_speakers']['recordings']} spoofed recordings against the speaker whom they copy, "
        f"{spoofs['assumed_perfect_clones']['recordings']} taken for perfect clones."
    )


def _pairs(table: tandem.ClaimTable) -> Mapping[str, Trials]:
    """Returns trials of speakers against either kind of the others, by the fused score."""
    kinds = {"other humans": Kind.NONTARGET, "synthetic copies": Kind.SPOOF}
    chosen = {name: np.isin(table.kinds, [Kind.TARGET, kind]) for name, kind in kinds.items()}
    return {
        name: Trials.of(table.fused[each], table.kinds[each] == Kind.TARGET, table.weights[each])
        for name, each in chosen.items()
    }


if __name__ == "__main__":
    sys.exit(main())
