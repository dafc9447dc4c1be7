"""The page on drift: how each signal compared with its bounds, what it looks like now and did before, what to do."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure

from ops.monitoring.page import Marked, MonitoringPage, percent, plain

BEFORE, NOW, SHIFT, TAIL, BOUND = "#8c959f", "#1f77b4", "#2ca02c", "#ff7f0e", "#d62728"
# What is compared with its bound -> label and color.
MEASURES = {
    "ks": ("distance (KS)", NOW),
    "psi": ("index (PSI)", BEFORE),
    "shift": ("shift", SHIFT),
    "tail": ("attacks", TAIL),
}
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


def drift_page(report: Document, reference: Document | None = None, note: str = "") -> MonitoringPage:
    """Makes the page of one domain.

    Args:
        report: the answer of `GET /v1/domains/{domain}/drift`.
        reference: `distributions.json` of a bundle, which the baseline is shown beside; nothing is judged by it.
        note: what a reader has to know first, if anything.
    """
    windows: Sequence[Document] = report["windows"]
    title = f"Drift report of the domain {report['domain']}"
    if not windows:
        return MonitoringPage(title, "The watch has not compared anything yet: it runs every hour.")
    compared = [each for each in windows if each["differences"]]
    page = MonitoringPage(title, _result(compared))
    if note:
        page.text(note)
    _explain(page, report)
    if compared:
        _show(page, compared)
    if compared and reference and report["baseline"]:
        _compare_with_reference(page, report["baseline"], reference)
    page.text("What to do: docs/runbooks/drift.md")
    return page


def _result(windows: Sequence[Document]) -> str:
    """Says in a sentence what drifted, since when, and whether it still does."""
    if not windows:
        return "Nothing was compared: no window had enough calls, or there is no baseline yet."
    beyond = [each for each in windows if each["drifted"]]
    if not beyond:
        return f"Nothing drifted in {len(windows)} windows."
    often = Counter(name for each in beyond for name in each["drifted"]).most_common()
    names = ", ".join(f"{_title(name)} ({count})" for name, count in often)
    now = "The last window still drifts." if windows[-1]["drifted"] else "The last window does not drift any more."
    return (
        f"{len(beyond)} of {len(windows)} windows drifted: {names}. The first of them ended "
        f"{_minute(beyond[0]['end'])} UTC. {now}"
    )


def _explain(page: MonitoringPage, report: Document) -> None:
    windows, baseline = report["windows"], report["baseline"]
    last = windows[-1]
    page.text(
        f"A window is the calls of 24 hours; {len(windows)} of them ended between {_minute(windows[0]['end'])} and "
        f"{_minute(last['end'])} UTC. The last one has {last['calls']} calls of {last['speakers']} speakers."
    )
    if baseline is None:
        page.text(
            "No baseline yet: one is learned from the first two weeks with enough speakers. Nothing alarms before."
        )
        return
    page.text(
        f"Each was compared with baseline {baseline['version']} of the same domain, learned from its calls of "
        f"{baseline['begin']:.10} to {baseline['end']:.10} with the bundle {baseline['bundle']:.12}."
    )


def _show(page: MonitoringPage, windows: Sequence[Document]) -> None:
    """Shows each signal, those that drifted most often first."""
    often = Counter(name for each in windows for name in each["drifted"])
    known = dict.fromkeys(name for each in windows[::-1] for name in each["differences"])
    names = sorted(known, key=lambda name: -often[name])
    page.heading("Signals")
    page.text(
        "A signal drifts where the distance of the two distributions (KS) and their stability index (PSI) both exceed "
        "their bounds, or where the shift or the mean probability of an attack exceeds its own. Bounds depend on the "
        "number of speakers. The last window is shaded where it drifts. Its shift is higher in 60 % if a call of it is "
        "above one of the baseline with that probability; without a change it is 50 %."
    )
    head = (
        "signal",
        "windows that drifted",
        "shift of the last (bound)",
        "KS (bound)",
        "PSI (bound)",
        "if it drifts, look for",
    )
    page.table(head, [_row(name, windows) for name in names])
    page.heading("Week")
    page.text(
        "Left: what was found, divided by its bound, for each window by the time of its end. The dashed line is the "
        "bound; times at which the signal drifted are shaded. Right: how the calls of the window with the largest "
        "shift are spread over values of which each tenth of the baseline's calls had one, from low to high."
    )
    page.picture(_figure(names, windows), "Series of each signal, and histograms")


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


def _minute(time: str) -> str:
    return f"{time:.16}".replace("T", " ")


def _row(name: str, windows: Sequence[Document]) -> tuple[str, ...]:
    known = [each for each in windows if name in each["differences"]]
    now = known[-1]["differences"][name]
    beyond = sum(name in each["drifted"] for each in windows)
    numbers = [f"{now[each]:.2f} ({now[f'{each}_bound']:.2f})" for each in ("ks", "psi")]
    cells = (
        _title(name),
        f"{beyond} of {len(windows)}",
        _direction(now),
        *numbers,
        ADVICE.get(name, ("", ""))[1],
    )
    return tuple(map(Marked, cells)) if name in windows[-1]["drifted"] else cells


def _direction(found: Document) -> str:
    """Says how often a call of the window is above one of the baseline, or below it."""
    shares = percent(0.5 + abs(found["shift"]), 0), percent(0.5 + found["shift_bound"], 0)
    return f"{'lower' if found['shift'] < 0 else 'higher'} in {shares[0]} ({shares[1]})"


def _figure(names: Sequence[str], windows: Sequence[Document]) -> Figure:
    figure = Figure((11, 2.3 * len(names)), layout="constrained")
    axes = figure.subplots(len(names), 2, width_ratios=(2, 1), squeeze=False)
    for number, name in enumerate(names):
        known = [each for each in windows if name in each["differences"]]
        _series(axes[number][0], name, known)
        _histogram(axes[number][1], name, known)
    axes[0][0].legend(loc="upper left", fontsize=8, frameon=False, ncols=5)
    axes[0][1].legend(loc="upper left", fontsize=8, frameon=False)
    return figure


def _series(axes: Axes, name: str, windows: Sequence[Document]) -> None:
    times = [_place(each["end"]) for each in windows]
    found = [each["differences"][name] for each in windows]
    for measure, (label, color) in MEASURES.items():
        if measure != "tail" or found[-1]["tail_bound"] < 1:
            shares = [abs(each[measure]) / each[f"{measure}_bound"] for each in found]
            axes.plot(times, shares, color=color, lw=1.5, label=label)
    axes.axhline(1, color=BOUND, lw=1, ls="--", label="bound")
    beyond = [name in each["drifted"] for each in windows]
    axes.fill_between(
        times, 0, 1, where=beyond, transform=axes.get_xaxis_transform(), color=BOUND, alpha=0.12, step="mid"
    )
    axes.set_ylim(bottom=0, top=max(1.5, axes.get_ylim()[1]))
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    plain(axes, _title(name), "end of the window, UTC", "times its bound")


def _place(text: str) -> float:
    """Returns the place of a time on an axis."""
    return float(date2num(datetime.fromisoformat(text)))  # type: ignore[no-untyped-call]


def _histogram(axes: Axes, name: str, windows: Sequence[Document]) -> None:
    worst, end = max(
        ((each["differences"][name], each["end"]) for each in windows),
        key=lambda each: abs(each[0]["shift"]) / each[0]["shift_bound"],
    )
    places = range(len(worst["expected"]))
    axes.bar([each - 0.2 for each in places], worst["expected"], 0.4, color=BEFORE, label="baseline")
    axes.bar([each + 0.2 for each in places], worst["found"], 0.4, color=NOW, label="window")
    axes.set_xticks([places[0], places[-1]], ["lowest", "highest"], fontsize=8)
    axes.set_ylim(top=min(1.5 * max(worst["expected"] + worst["found"]), 1.05))
    axes.yaxis.set_major_formatter("{x:.0%}")
    title = f"{_minute(end)}: {worst['count']} calls, {worst['speakers']} speakers"
    plain(axes, title, f"value of {_title(name)}", "share of calls")
