"""The page on the shadow: champion and challenger on the same recordings."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from ops.monitoring.page import Marked, MonitoringPage, percent
from ops.monitoring.shadow_figures import SCORES, cohort_figure, score_figure, scores_of_both, time_figure, times
from ops.monitoring.shadow_results import (
    SIDES,
    Result,
    bundles,
    cohorts,
    decisions,
    flips_among,
    is_flip,
    is_session,
)

DECISIONS = ("ACCEPT", "STEP_UP", "REJECT", "INCONCLUSIVE")
# Of each kind of flip.
EXAMPLES = 8
# As `tests/benchmarks/test_shadow_cost.py` computes it.
MOST_USD_A_MONTH = 125


def shadow_page(report: Mapping[str, Any]) -> MonitoringPage:
    """Makes the page of one domain.

    Args:
        report: the answer of `GET /v1/domains/{domain}/shadow`.
    """
    every: Sequence[Result] = report["results"]
    title = f"Shadow report: champion and challenger on calls of the domain {report['domain']}"
    if not every:
        page = MonitoringPage(title, "There is nothing to compare.")
        page.text("There is no challenger, retention.shadow_audio is off, or no call was in the sample yet.")
        return page
    results = [each for each in every if bundles(each) == bundles(every[-1])]
    page = MonitoringPage(title, _result(results))
    _explain(page, every, results)
    _decide(page, results)
    _score(page, results)
    _divide(page, results)
    _time(page, results)
    _show_flips(page, results)
    return page


def _result(results: Sequence[Result]) -> str:
    flips, compared, low, high = flips_among(results)
    if not compared:
        return f"The challenger could compare none of {len(results)} voices, for the reason below."
    return (
        f"The challenger would have decided {flips} of {compared} calls differently: {percent(flips / compared)}, "
        f"95 % interval {percent(low)} to {percent(high)}."
    )


def _explain(page: MonitoringPage, every: Sequence[Result], results: Sequence[Result]) -> None:
    champion, challenger = bundles(results[-1])
    sessions = sum(map(is_session, results))
    page.text(
        f"Callers were answered by the champion, the bundle {champion:.12}. Later the challenger, {challenger:.12}, "
        f"heard the same audio and judged it by the same policy; nobody acted on that. Both heard "
        f"{len(results) - sessions} recordings and {sessions} sessions of several chunks, from "
        f"{_minute(results[0])} to {_minute(results[-1])} UTC."
    )
    page.text(
        "A flip is a call that the two decide differently. Who really called is not known here, so a flip does not say "
        "which of them is right: look the decision up, or ask the caller's agent. Intervals take each call for that of "
        "another person; they are too narrow where few people call often."
    )
    if alone := sum(decisions(each) is None for each in results):
        page.text(
            f"{alone} voices could not be compared, as the challenger has another embedding space or nobody was "
            "claimed; of these only liveness counts below."
        )
    if others := len(every) - len(results):
        page.text(f"{others} results of other pairs of bundles are left out.")


def _decide(page: MonitoringPage, results: Sequence[Result]) -> None:
    page.heading("Decisions")
    pairs = Counter(filter(None, map(decisions, results)))
    came = [each for each in DECISIONS if any(each in pair for pair in pairs)]
    accepted = sum(count for (before, _), count in pairs.items() if before == "ACCEPT")
    lost = accepted - pairs["ACCEPT", "ACCEPT"]
    won = sum(count for (before, after), count in pairs.items() if before != "ACCEPT" and after == "ACCEPT")
    page.text(
        f"Of {accepted} calls that the champion accepted, the challenger would not have accepted {lost}. Of "
        f"{pairs.total() - accepted} that it did not accept, the challenger would have accepted {won}. Flips are "
        "shaded."
    )
    page.table(
        ("champion decided", *(f"challenger: {each}" for each in came), "calls"),
        ((before, *_cells(before, came, pairs)) for before in came),
    )


def _cells(before: str, came: Sequence[str], pairs: Counter[tuple[str, str]]) -> Iterator[str]:
    for after in came:
        count = str(pairs[before, after])
        yield Marked(count) if before != after and pairs[before, after] else count
    yield str(sum(pairs[before, after] for after in came))


def _score(page: MonitoringPage, results: Sequence[Result]) -> None:
    page.heading("Scores")
    page.text(
        "The LLR is the natural logarithm of a likelihood ratio: +4.6 is a hundred to one for the claimed speaker, or "
        "for a human voice, and -4.6 a hundred to one against. Lower scores are no fault as such; they are one if "
        "genuine callers lose them and impostors do not."
    )
    page.picture(score_figure(results), "Scores of champion and challenger, as histograms and against each other")


def _divide(page: MonitoringPage, results: Sequence[Result]) -> None:
    page.heading("Cohorts")
    page.text(
        "A cohort whose interval lies right of that of all calls flips more often than the others. The change of a "
        "score is the challenger's less the champion's."
    )
    if flips_among(results)[1]:
        page.picture(cohort_figure(results), "Share of flips in each cohort, with intervals")
    head = ("cohort", "calls", "compared", "flips", "voice LLR: mean change", "liveness LLR: mean change")
    page.table(head, (_cohort(name, found) for name, found in cohorts(results)))


def _cohort(name: str, results: Sequence[Result]) -> tuple[str, ...]:
    flips, compared, *_ = flips_among(results)
    return (name, str(len(results)), str(compared), str(flips), *(_difference(results, score) for score in SCORES))


def _difference(results: Sequence[Result], score: str) -> str:
    known = [after - before for before, after, _ in scores_of_both(results, score)]
    return f"{np.mean(known):+.2f}" if known else "-"


def _time(page: MonitoringPage, results: Sequence[Result]) -> None:
    page.heading("Time and cost")
    took = {side: found for side in SIDES if (found := times(results, side))}
    if len(took) == len(SIDES):
        page.picture(time_figure(results), "Histogram of the time that the models of both took")
        head = ("models of the", "recordings", "median, ms", "95 % of them below, ms")
        page.table(head, ((side, str(len(of)), *_quantiles(of)) for side, of in took.items()))
        page.text(
            "The champion's time is that of the callers' function, the challenger's that of one of its own, and "
            "includes decoding: a small difference means nothing."
        )
    page.text(
        f"A month of the shadow costs {MOST_USD_A_MONTH} USD at most, at the prices of us-east-1, however many call: "
        "docs/operations/cost.md."
    )


def _quantiles(values: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{value:.0f}" for value in np.quantile(values, (0.5, 0.95)))


def _show_flips(page: MonitoringPage, results: Sequence[Result]) -> None:
    page.heading("Flips")
    flips = sorted(filter(is_flip, results), key=_kind)
    if not flips:
        page.text("None.")
        return
    page.text(f"Of each kind the newest {EXAMPLES}: left of the arrow the champion's, right of it the challenger's.")
    head = ("flip", "decision", "decided at, UTC", "call", "speech, s", "voice LLR", "liveness LLR")
    kinds = [list(of) for _, of in groupby(flips, key=_kind)]
    kinds.sort(key=len, reverse=True)
    page.table(head, (_example(each) for of in kinds for each in of[::-1][:EXAMPLES]))


def _kind(result: Result) -> str:
    return " → ".join(decisions(result) or ())


def _example(result: Result) -> tuple[str, ...]:
    scores = [" → ".join(_number(result[side][score]) for side in SIDES) for score in SCORES]
    call = f"{'session' if is_session(result) else 'recording'}, {result['channel']}"
    speech = f"{result['speech_seconds']:.1f}"
    return (_kind(result), result["decision_id"], _minute(result), call, speech, *scores)


def _minute(result: Result) -> str:
    return f"{result['decided_at']:.16}".replace("T", " ")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:+.1f}"
