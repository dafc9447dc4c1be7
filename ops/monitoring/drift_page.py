"""The page on drift: how each signal compared with its bounds, what it looks like now and did before, what to do."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure

from ops.monitoring.page import MonitoringPage

BEFORE, NOW, SHIFT, TAIL, BOUND, LINE = "#8c959f", "#1f77b4", "#2ca02c", "#ff7f0e", "#d62728", "#e3e6ea"
# Signal -> what it is, and where to look first when it drifts.
ADVICE = {
    "speaker_llr": ("LLR of the voice", "other callers or languages, a worse line, many impostors"),
    "liveness_llr": ("LLR of a human voice", "synthetic voices: look at the decisions; another codec or enhancer"),
    "embedding_norm": ("length of the embedding", "another language, codec or noise: compare with the other signals"),
    **{
        f"embedding_direction_{number}": (f"direction {number} of the embedding", "another language or other callers")
        for number in (1, 2, 3, 4)
    },
    "speech_seconds": ("net speech, s", "another prompt, or another length of recording"),
    "level_dbfs": ("level of speech, dBFS", "gain of the line or of the recorder"),
    "snr_db": ("speech over noise, dB", "noise of the line or of the place"),
    "dynamic_range_db": ("speech over the quietest, dB", "noise, also where calls have no pauses to measure it in"),
    "clipped": ("share of clipped samples", "an overdriven line"),
    "narrowband": ("narrowband calls", "another codec or trunk"),
}

type Document = dict[str, Any]


def drift_page(report: Document, reference: Document | None = None) -> MonitoringPage:
    """Makes the page of one domain.

    Args:
        report: the answer of `GET /v1/domains/{domain}/drift`.
        reference: `distributions.json` of a bundle, which the baseline is shown beside; nothing is judged by it.
    """
    windows: Sequence[Document] = report["windows"]
    page = MonitoringPage(f"Drift of the domain {report['domain']}")
    if not windows:
        page.text("The watch has not compared anything yet: it runs every hour.")
        return page
    page.text(_summary(report))
    compared = [each for each in windows if each["differences"]]
    if not compared:
        return page
    names = list(compared[-1]["differences"])
    page.heading("Signals")
    drifted = {name for each in compared for name in each["drifted"]}
    head = ("signal", "windows beyond", "now: KS (bound)", "PSI (bound)", "shift (bound)", "where to look first")
    page.table(head, [_row(name, compared) for name in names], [_title(name) for name in names if name in drifted])
    page.heading("Week")
    page.text(
        "Left: distance (KS), stability index (PSI) and shift of each window, and for scores the share of the lowest "
        "few, as multiples of their bounds. A signal drifts, which is shaded, where KS and PSI are both above 1, "
        "or the shift or the tail is. Right: shares of the baseline's tenths, then and in the window that differs most."
    )
    page.picture(_figure(names, compared), "Series of each signal, and histograms")
    if reference and report["baseline"]:
        _compare_with_reference(page, report["baseline"], reference)
    page.text("What to do: docs/runbooks/drift.md")
    return page


def _summary(report: Document) -> str:
    windows, baseline = report["windows"], report["baseline"]
    beyond = sum(bool(each["drifted"]) for each in windows)
    span = f"{windows[0]['end']:.16} to {windows[-1]['end']:.16}"
    last = windows[-1]
    text = f"{len(windows)} windows of a day each, {span} UTC; {beyond} with drift. "
    text += f"The last one has {last['calls']} calls of {last['speakers']} speakers. "
    if baseline is None:
        return (
            text
            + "No baseline yet: one is learned from the first two weeks with enough speakers. Nothing alarms before."
        )
    return text + (
        f"Baseline {baseline['version']}: learned from {baseline['begin']:.10} to {baseline['end']:.10} "
        f"with the bundle {baseline['bundle']:.12}."
    )


def _compare_with_reference(page: MonitoringPage, baseline: Document, reference: Document) -> None:
    page.heading("Baseline beside known recordings")
    page.text(
        "Median, and from the lowest to the highest twentieth of the speakers, of this domain and of recordings on "
        "known lines. Callers differ from recordings: nothing alarms on it, but a baseline far away deserves a look."
    )
    lines = reference["lines"]
    rows = [
        (_title(name), band, _spread(own), *(_spread(lines[line].get(name, {}).get(band)) for line in sorted(lines)))
        for name, bands in baseline["signals"].items()
        for band, own in bands.items()
    ]
    page.table(("signal", "band", "this domain", *(f"known recordings, {line}" for line in sorted(lines))), rows)


def _spread(found: Document | None) -> str:
    """Returns median and twentieths of a distribution as text."""
    if found is None:
        return "-"
    low, middle, high = (found["points"][bisect_left(found["below"], share)] for share in (0.05, 0.5, 0.95))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _title(name: str) -> str:
    return ADVICE.get(name, (name, ""))[0]


def _row(name: str, windows: Sequence[Document]) -> tuple[str, ...]:
    now = next(each["differences"][name] for each in reversed(windows) if name in each["differences"])
    beyond = sum(name in each["drifted"] for each in windows)
    numbers = [f"{now[each]:.2f} ({now[f'{each}_bound']:.2f})" for each in ("ks", "psi", "shift")]
    return (_title(name), f"{beyond} of {len(windows)}", *numbers, ADVICE.get(name, ("", ""))[1])


def _figure(names: Sequence[str], windows: Sequence[Document]) -> Figure:
    figure = Figure((11, 1.75 * len(names)), layout="constrained")
    axes = figure.subplots(len(names), 2, width_ratios=(2, 1), squeeze=False)
    for number, name in enumerate(names):
        known = [each for each in windows if name in each["differences"]]
        _series(axes[number][0], name, known)
        _histogram(axes[number][1], name, known)
    axes[0][0].legend(loc="upper left", fontsize=8, frameon=False, ncols=4)
    axes[0][1].legend(loc="upper right", fontsize=8, frameon=False)
    return figure


def _series(axes: Axes, name: str, windows: Sequence[Document]) -> None:
    times = [_place(each["end"]) for each in windows]
    found = [each["differences"][name] for each in windows]
    axes.plot(times, [each["ks"] / each["ks_bound"] for each in found], color=NOW, lw=1.5, label="KS / bound")
    axes.plot(times, [each["psi"] / each["psi_bound"] for each in found], color=BEFORE, lw=1.5, label="PSI / bound")
    axes.plot(
        times, [abs(each["shift"]) / each["shift_bound"] for each in found], color=SHIFT, lw=1.5, label="shift / bound"
    )
    if found and found[-1]["tail_bound"] < 1:
        axes.plot(
            times, [each["tail"] / each["tail_bound"] for each in found], color=TAIL, lw=1, label="low tail / bound"
        )
    axes.axhline(1, color=BOUND, lw=1, ls="--")
    beyond = [name in each["drifted"] for each in windows]
    axes.fill_between(
        times, 0, 1, where=beyond, transform=axes.get_xaxis_transform(), color=BOUND, alpha=0.12, step="mid"
    )
    axes.set_ylim(bottom=0, top=max(1.3, axes.get_ylim()[1]))
    axes.set_title(_title(name), fontsize=10, loc="left")
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    _plain(axes)


def _place(text: str) -> float:
    """Returns the place of a time on an axis."""
    return float(date2num(datetime.fromisoformat(text)))  # type: ignore[no-untyped-call]


def _histogram(axes: Axes, name: str, windows: Sequence[Document]) -> None:
    worst = max(
        (each["differences"][name] for each in windows), key=lambda each: abs(each["shift"]) / each["shift_bound"]
    )
    places = range(len(worst["expected"]))
    axes.bar([each - 0.2 for each in places], worst["expected"], 0.4, color=BEFORE, label="baseline")
    axes.bar([each + 0.2 for each in places], worst["found"], 0.4, color=NOW, label="window")
    axes.set_xticks([places[0], places[-1]], ["low", "high"], fontsize=8)
    axes.set_title(f"{worst['count']} calls, {worst['speakers']} speakers", fontsize=9, loc="left")
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.tick_params(labelsize=8)
    axes.grid(axis="y", color=LINE)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
