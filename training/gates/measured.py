"""Gates on what was measured: verification, liveness, calibration, and decisions on the golden set.

Each comparison with the champion refuses a candidate whose difference is beyond the margin for sure. One half of
`false_alarm` is for comparisons on all recordings, the other for those in cohorts. Of n of them, one counts if its own
chance of a false alarm is at most the n-th part of that half, two if that of both is at most twice as much, and so on:
a loss that several show is found though none of them would be enough alone (Benjamini and Hochberg, "Controlling the
false discovery rate", 1995). One that is as good as the champion is refused with a chance of at most `false_alarm`,
however many cohorts there are, as long as comparisons do not go against each other. The champion itself has no
difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from statistics import NormalDist
from typing import Any

from training.gates.criteria import MeasuredCriterion, Submission
from training.gates.results import CriterionFinding

VERIFICATION, LIVENESS = "verification", "liveness"
# Files that decide what a task gives: where they are the champion's, so are the figures.
FILES = {
    VERIFICATION: ("vad.onnx", "speaker.onnx", "calibration.json"),
    LIVENESS: ("vad.onnx", "spoof.onnx", "spoof.json"),
}
# Never fewer degrees of freedom than the expansion of the quantile is good for.
FEWEST_DEGREES = 4
# Cohorts that are named in one finding.
MOST_NAMED = 6

type TrialSet = Mapping[str, Any]


def measured(submission: Submission) -> Iterator[CriterionFinding]:
    """Judges every figure of evaluation.json that a criterion names."""
    everything = submission.evaluation.get("sets", ())
    sets = [each for each in everything if _enough(submission, each)]
    few = [each for each in everything if not _enough(submission, each)]
    yield from _unjudged(submission, [*few, *submission.evaluation.get("few", ())])
    pairs = [
        (rule, each) for rule in submission.criteria.measured for each in sets if _concerns(submission, rule, each)
    ]
    for rule in submission.criteria.measured:
        if not any(each["task"] == rule.task and not each["cohort"] for each in sets):
            yield _unmeasured(submission, rule)
    half = submission.criteria.false_alarm / 2
    for finer in (False, True):
        family = [(rule, each) for rule, each in pairs if _finer(each) == finer]
        share = _share(family, half)
        for rule, each in family:
            yield from _judged(rule, each, share)


def golden(submission: Submission) -> Iterator[CriterionFinding]:
    """Judges decisions on recordings whose right answer is known, and on the calls of readers."""
    found: Mapping[str, Any] | None = submission.evaluation.get("golden")
    if not found:
        problem = submission.evaluation.get("error") or "not measured"
        yield CriterionFinding("golden", "decisions on the golden recordings", "as expected", problem, passed=False)
        return
    for call in found["recordings"]:
        right = call["candidate"] in call["expected"] or call["candidate"] == call.get("champion")
        bound = " or ".join(call["expected"])
        yield CriterionFinding("golden", f"decision on the recording {call['name']}", bound, call["candidate"], right)
    for name, criterion in CHANGES.items():
        if name in found["changes"]:
            share, most = found["changes"][name], submission.criteria.golden[name]
            yield CriterionFinding("golden", criterion, most, share, share <= most)


CHANGES = {
    "flips": "share of calls of readers that are decided otherwise",
    "accepted_impostors": "share of calls as somebody else that are newly accepted",
    "accepted_copies": "share of copies that are newly accepted, less those that no longer are",
    "refused_speakers": "share of own calls that are no longer accepted, less those that newly are",
}


def _share(family: Sequence[tuple[MeasuredCriterion, TrialSet]], chance: float) -> float:
    """Returns the chance of a false alarm of each comparison: the largest by which as many are refused as it allows."""
    compared = [(rule, each) for rule, each in family if each["figures"][rule.measure].get("champion") is not None]
    for refused in range(len(compared), 0, -1):
        share = chance * refused / len(compared)
        if sum(not _keeps(rule, each, share) for rule, each in compared) >= refused:
            return share
    return chance / max(len(compared), 1)


@cache
def student(share: float, degrees: int) -> float:
    """Returns the quantile of Student's t that is exceeded by `share` (Abramowitz and Stegun 1964, 26.7.5)."""
    x, v = NormalDist().inv_cdf(1.0 - share), max(degrees, FEWEST_DEGREES)
    first, second = (x**3 + x) / 4, (5 * x**5 + 16 * x**3 + 3 * x) / 96
    third = (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384
    return x + first / v + second / v**2 + third / v**3


def _judged(rule: MeasuredCriterion, trials: TrialSet, share: float) -> Iterator[CriterionFinding]:
    figure, cohort = trials["figures"][rule.measure], trials["cohort"]
    if not cohort:
        low, high = figure["interval"]
        passed = _within(rule, (low, high), rule.bound) or _no_worse(rule, figure)
        yield CriterionFinding(rule.gate, rule.criterion, rule.bound, figure["candidate"], passed, None, (low, high))
    if figure.get("champion") is not None:
        margin, interval = _margin(rule, trials), _interval(figure, trials, share)
        passed = _keeps(rule, trials, share)
        criterion = f"{rule.criterion}, {'change from' if rule.unless else 'above'} the champion's"
        yield CriterionFinding(rule.gate, criterion, margin, figure["difference"], passed, cohort, interval)


def _keeps(rule: MeasuredCriterion, trials: TrialSet, share: float) -> bool:
    """Tells whether a candidate may be as good as the champion, or has a better calibration beyond doubt."""
    better = rule.unless is not None and _interval(trials["figures"][rule.unless], trials, share)[1] < 0.0
    return better or _within(rule, _interval(trials["figures"][rule.measure], trials, share), _margin(rule, trials))


def _margin(rule: MeasuredCriterion, trials: TrialSet) -> float:
    return (rule.cohort_margin or 0.0) if trials["cohort"] else rule.margin


def _interval(figure: Mapping[str, Any], trials: TrialSet, share: float) -> tuple[float, float]:
    reach = student(share, trials["units"] - 1) * figure["standard_error"]
    return figure["difference"] - reach, figure["difference"] + reach


def _within(rule: MeasuredCriterion, interval: tuple[float, float], most: float) -> bool:
    """Tells whether a figure may lie within the bound, as far as its interval says."""
    return interval[0] <= most and (rule.unless is None or interval[1] >= -most)


def _no_worse(rule: MeasuredCriterion, figure: Mapping[str, Any]) -> bool:
    """Tells whether the champion is beyond the bound just as far, so that it is the recordings that are hard."""
    if figure.get("champion") is None:
        return False
    sides = [abs(figure[name]) if rule.unless else figure[name] for name in ("candidate", "champion")]
    return bool(sides[0] <= sides[1])


def _concerns(submission: Submission, rule: MeasuredCriterion, trials: TrialSet) -> bool:
    known = {"channel", *submission.criteria.cohorts[rule.task]} if rule.cohort_margin is not None else set()
    return rule.task == trials["task"] and rule.measure in trials["figures"] and set(trials["columns"]) <= known


def _finer(trials: TrialSet) -> bool:
    """Tells whether only some of the recordings make a cohort, and not all of them on another line."""
    return bool(set(trials["columns"]) - {"channel"})


def _enough(submission: Submission, trials: TrialSet) -> bool:
    minimum, counts = submission.criteria.minimum[trials["task"]], trials["counts"]
    return all(counts[name] >= least for name, least in minimum.items())


def _unjudged(submission: Submission, few: Sequence[TrialSet]) -> Iterator[CriterionFinding]:
    """Names cohorts that nothing is said about, by the columns that make them."""
    cohorts: dict[tuple[str, str], list[str]] = {}
    for each in few:
        if each["cohort"]:
            cohorts.setdefault((each["task"], ", ".join(each["columns"])), []).append(_count(each))
    for (task, columns), names in cohorts.items():
        more = f", and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        found = f"not judged, too few: {'; '.join(names[:MOST_NAMED])}{more}"
        yield CriterionFinding(task, "trials of every cohort", _minimum(submission, task), found, True, columns)


def _count(trials: TrialSet) -> str:
    return f"{trials['cohort']} ({', '.join(f'{count} {name}' for name, count in trials['counts'].items())})"


def _minimum(submission: Submission, task: str) -> str:
    return ", ".join(f"{count} {name}" for name, count in submission.criteria.minimum[task].items())


def _unmeasured(submission: Submission, rule: MeasuredCriterion) -> CriterionFinding:
    """Without enough trials a candidate passes only if nothing that decides the figure is new."""
    kept = submission.keeps(*FILES[rule.task])
    problem = submission.evaluation.get("error") or "too few trials"
    found = "the champion's files" if kept else problem
    return CriterionFinding(rule.gate, rule.criterion, f"trials of {_minimum(submission, rule.task)}", found, kept)
