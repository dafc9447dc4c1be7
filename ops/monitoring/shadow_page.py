"""The page on the shadow: champion and challenger on the same recordings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ops.monitoring.page import MonitoringPage

CHAMPION, CHALLENGER, LINE = "#8c959f", "#1f77b4", "#e3e6ea"
SCORES = {"speaker_llr": "LLR of the voice", "liveness_llr": "LLR of a human voice"}
DECISIONS = ("ACCEPT", "STEP_UP", "REJECT", "INCONCLUSIVE")
EXAMPLES = 20
SHORT, LONG = 4.0, 10.0

type Document = Mapping[str, Any]


def shadow_page(report: Document) -> MonitoringPage:
    """Makes the page of one domain.

    Args:
        report: the answer of `GET /v1/domains/{domain}/shadow`.
    """
    page = MonitoringPage(f"Champion and challenger on calls of the domain {report['domain']}")
    every: Sequence[Document] = report["results"]
    newest = every[-1] if every else None
    if newest is None:
        page.text("No results: there is no challenger, retention.shadow_audio is off, or no call was in the sample.")
        return page
    results = [each for each in every if _pair(each) == _pair(newest)]
    flips = [each for each in results if _compared(each) and _decided(each, "champion") != _decided(each, "challenger")]
    page.text(_summary(every, results, flips))
    page.heading("Scores")
    page.picture(_distributions(results), "Distributions of scores, and of the time that models took")
    page.heading("Decisions: champion in rows, challenger in columns")
    page.table(("champion", *DECISIONS), _table(results))
    page.heading("Cohorts")
    head = ("cohort", "calls", "flips", "voice: mean difference", "liveness: mean difference")
    page.table(head, (_cohort(name, found) for name, found in _cohorts(results)))
    page.heading(f"Flips, the newest {EXAMPLES}")
    rows = [_example(each) for each in flips[::-1][:EXAMPLES]]
    page.table(("decision", "champion", "challenger", "voice LLR", "liveness LLR", "speech, s"), rows)
    if not rows:
        page.text("None.")
    return page


def _pair(result: Document) -> tuple[str, str]:
    return result["champion"]["bundle"], result["challenger"]["bundle"]


def _decided(result: Document, side: str) -> str | None:
    decision: str | None = result[side]["decision"]
    return decision


def _compared(result: Document) -> bool:
    return result["challenger"]["decision"] is not None


def _summary(every: Sequence[Document], results: Sequence[Document], flips: Sequence[Document]) -> str:
    champion, challenger = _pair(results[-1])
    compared = sum(map(_compared, results))
    sessions = sum(each.get("chunks") is not None for each in results)
    text = (
        f"{len(flips)} of {compared} decisions would be another one. Callers were answered by the champion, "
        f"{champion:.12}; the challenger, {challenger:.12}, heard the same audio later. {len(results)} calls, "
        f"{sessions} of them sessions of several chunks, {results[0]['decided_at']:.16} to "
        f"{results[-1]['decided_at']:.16} UTC. The time of a session's champion is not known. "
    )
    if compared < len(results):
        text += (
            f"{len(results) - compared} voices could not be compared: the challenger has another embedding space, or "
            "nobody was claimed. "
        )
    if len(every) > len(results):
        text += f"{len(every) - len(results)} results of other pairs of bundles are left out."
    return text


def _table(results: Sequence[Document]) -> Iterator[tuple[str, ...]]:
    pairs = [(_decided(each, "champion"), _decided(each, "challenger")) for each in results if _compared(each)]
    for row in DECISIONS:
        yield (row, *(str(pairs.count((row, column))) for column in DECISIONS))


def _cohorts(results: Sequence[Document]) -> Iterator[tuple[str, list[Document]]]:
    chosen: Mapping[str, Callable[[Document], bool]] = {
        "all": lambda _: True,
        "sessions": lambda each: each.get("chunks") is not None,
        "recordings": lambda each: each.get("chunks") is None,
        "narrowband": lambda each: each["channel"] == "narrowband",
        "wideband": lambda each: each["channel"] == "wideband",
        f"below {SHORT:g} s of speech": lambda each: each["speech_seconds"] < SHORT,
        f"{SHORT:g} to {LONG:g} s": lambda each: SHORT <= each["speech_seconds"] < LONG,
        f"{LONG:g} s and more": lambda each: each["speech_seconds"] >= LONG,
    }
    for name, choose in chosen.items():
        if found := [each for each in results if choose(each)]:
            yield name, found


def _cohort(name: str, results: Sequence[Document]) -> tuple[str, ...]:
    flips = sum(_compared(each) and _decided(each, "champion") != _decided(each, "challenger") for each in results)
    return (name, str(len(results)), str(flips), *(_difference(results, score) for score in SCORES))


def _difference(results: Sequence[Document], score: str) -> str:
    pairs = [(each["champion"][score], each["challenger"][score]) for each in results]
    known = [after - before for before, after in pairs if before is not None and after is not None]
    return f"{np.mean(known):+.2f}" if known else ""


def _example(result: Document) -> tuple[str, ...]:
    sides = (result["champion"], result["challenger"])
    scores = [" to ".join(_number(side[score]) for side in sides) for score in SCORES]
    return (
        result["decision_id"],
        *(str(side["decision"]) for side in sides),
        *scores,
        f"{result['speech_seconds']:.1f}",
    )


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:+.1f}"


def _distributions(results: Sequence[Document]) -> Figure:
    figure = Figure((11, 3.2), layout="constrained")
    axes = figure.subplots(1, 3)
    for place, (score, title) in zip(axes, SCORES.items(), strict=False):
        _histogram(place, results, score, title)
    _histogram(axes[2], results, "milliseconds", "time of the models, ms")
    axes[0].legend(fontsize=8, frameon=False)
    return figure


def _histogram(axes: Axes, results: Sequence[Document], name: str, title: str) -> None:
    values = {side: [each[side][name] for each in results] for side in ("champion", "challenger")}
    known = {side: [each for each in found if each is not None] for side, found in values.items()}
    together = known["champion"] + known["challenger"]
    bins = np.linspace(min(together), max(together) + 1e-9, 31) if together else np.linspace(0, 1, 2)
    labels = {side: f"{side} ({len(found)})" for side, found in known.items()}
    axes.hist(known["champion"], list(bins), color=CHAMPION, histtype="stepfilled", label=labels["champion"])
    axes.hist(known["challenger"], list(bins), color=CHALLENGER, histtype="step", lw=1.6, label=labels["challenger"])
    axes.set_title(title, fontsize=10, loc="left")
    axes.tick_params(labelsize=8)
    axes.grid(axis="y", color=LINE)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
