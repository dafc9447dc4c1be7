"""The sets of trials that two bundles are compared on: by the line of the call, and by cohorts of recordings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bonafide.biometrics.liveness import LivenessScale
from bonafide.biometrics.scoring import Calibration
from training.corpus.manifest import Clip
from training.evaluation.bootstrap import Runs, can_resample
from training.evaluation.evidence import LineKind, RecordingEvidence
from training.evaluation.metrics import Flags, Floats, Indices, Trials
from training.evaluation.paired.differences import (
    ComparedSystem,
    PairTrials,
    UnitTrials,
    calibration_figures,
    differences,
    liveness_figures,
    verification_figures,
)
from training.evaluation.spoof import SPOOF, system
from training.evaluation.trials import CONDITIONS, StackedRecordings, TrialRecording, enrollments

VERIFICATION, LIVENESS = "verification", "liveness"
# More pairs of two speakers than this tell no more: a sample of them is compared, drawn with a seed.
MOST_NONTARGETS = 50_000
# The same for the fit of a line, which is made anew for each resample.
MOST_FITTED = 5_000
SEED = 1
# Fewer trials than this of either kind are not resampled.
FEWEST = 8
# From this many systems on, systems are what is drawn of spoofed speech; else recordings.
ENOUGH_SYSTEMS = 5
# Columns that say what made a spoofed recording, so that every bona fide one is held against each of them.
OF_SPOOFS = ("attack", "system")

type TrialSet = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ObservedMaterial:
    """Recordings as both bundles saw them.

    Attributes:
        clips: rows of manifests.
        evidence: by bundle, the candidate first; of each recording, none of them refused.
        calibrations: of the bundles.
        columns: that make cohorts.
        replicates: how many resamples are drawn of each set.
    """

    clips: Sequence[Clip]
    evidence: Sequence[Sequence[RecordingEvidence]]
    calibrations: Sequence[Calibration]
    columns: Sequence[str]
    replicates: int

    def at(self, chosen: Sequence[int]) -> "ObservedMaterial":
        """Picks some of the recordings."""
        clips = [self.clips[index] for index in chosen]
        evidence = [[each[index] for index in chosen] for each in self.evidence]
        return ObservedMaterial(clips, evidence, self.calibrations, self.columns, self.replicates)

    def cohorts(self, columns: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yields every column with each of its values."""
        for column in columns:
            yield from (
                (column, value) for value in sorted({each.row.get(column) or "" for each in self.clips}) if value
            )

    def with_value(self, column: str, value: str) -> Flags:
        """Tells which recordings have a value, shape (n,)."""
        return np.array([each.row.get(column) == value for each in self.clips], np.bool_)


@dataclass(frozen=True, slots=True)
class ScoredSet:
    """Scores of both bundles on one set of trials.

    Attributes:
        task: verification or liveness.
        columns: what makes the cohort, by column.
        scores: LLRs by bundle, shape (n,) each.
        targets: whether a trial is of one speaker, or of bona fide speech, shape (n,).
        result: for evaluation.json.
    """

    task: str
    columns: Mapping[str, str]
    scores: Sequence[Floats]
    targets: Flags
    result: TrialSet


def verification_sets(material: ObservedMaterial) -> Iterator[ScoredSet]:
    """Compares every pair of bona fide recordings whose speakers are known; the earlier one enrolls."""
    known = [i for i, each in enumerate(material.clips) if each.speaker and each.row.get("label") != SPOOF]
    chosen = material.at(known)
    numbers = {name: number for number, name in enumerate(sorted({each.speaker for each in chosen.clips}))}
    speakers = np.array([numbers[each.speaker] for each in chosen.clips], np.intp)
    pairs = _pairs(speakers)
    for condition in CONDITIONS if pairs.size else ():
        scores = [
            _compared(chosen, number, condition)[pairs[:, 0], pairs[:, 1]] for number in range(len(chosen.evidence))
        ]
        channel = {} if condition == LineKind.NATIVE else {"channel": condition}
        for columns, flags in [({}, None), *_flagged(chosen)]:
            inside = np.ones(len(pairs), np.bool_) if flags is None else flags[pairs[:, 0]] & flags[pairs[:, 1]]
            both = speakers[pairs[inside, 0]], speakers[pairs[inside, 1]]
            cut = [each[inside] for each in scores]
            if _can_compare(both):
                yield verification_set(cut, both, {**channel, **columns}, material.replicates)
            elif columns:
                yield few(VERIFICATION, {**channel, **columns}, _pair_counts(*both))


def liveness_sets(material: ObservedMaterial) -> Iterator[ScoredSet]:
    """Holds spoofed recordings against bona fide ones."""
    human = np.array([each.row.get("label") != SPOOF for each in material.clips], np.bool_)
    for line in LineKind:
        scores = [np.array([each.evidence[line].liveness for each in found]) for found in material.evidence]
        channel = {} if line is LineKind.NATIVE else {"channel": str(line)}
        for columns, inside in [({}, np.ones(len(human), np.bool_)), *_cohorts_of_calls(material, human)]:
            chosen = np.flatnonzero(inside)
            if min(human[chosen].sum(), (~human[chosen]).sum()) >= FEWEST:
                yield _liveness(material.at(chosen.tolist()), [each[chosen] for each in scores], {**channel, **columns})
            elif columns:
                yield few(LIVENESS, {**channel, **columns}, _call_counts(human[chosen]))


def _pairs(speakers: Indices) -> Indices:
    """Returns pairs of recordings, the earlier one first, shape (n, 2): all of one speaker, and of others a sample."""
    first, second = np.triu_indices(len(speakers), 1)
    chosen = _some(speakers[first] == speakers[second], MOST_NONTARGETS)
    return np.stack([first[chosen], second[chosen]], axis=1)


def _compared(material: ObservedMaterial, bundle: int, condition: str) -> Floats:
    """Returns the LLR of every recording, enrolled, against every later one, shape (n, n)."""
    lines, found = CONDITIONS[condition], material.evidence[bundle]
    recordings = [TrialRecording.of(clip, each, *lines) for clip, each in zip(material.clips, found, strict=True)]
    stacked = StackedRecordings.of(recordings, np.zeros((len(recordings), 0)))
    llrs = np.zeros((len(recordings), len(recordings)))
    for number, each in enumerate(enrollments(recordings, 1)):
        llrs[number, each.tests] = stacked.compared(each, material.calibrations[bundle]).llr
    return llrs


def _flagged(material: ObservedMaterial) -> Iterator[tuple[Mapping[str, str], Flags]]:
    for column, value in material.cohorts([each for each in material.columns if each not in OF_SPOOFS]):
        yield {column: value}, material.with_value(column, value)


def _cohorts_of_calls(material: ObservedMaterial, human: Flags) -> Iterator[tuple[Mapping[str, str], Flags]]:
    """Yields cohorts; where no spoofed recording has a value, all of them count."""
    for column, value in material.cohorts(material.columns):
        flags = material.with_value(column, value)
        if column in OF_SPOOFS:
            yield {column: value}, human | (flags & ~human)
        else:
            spoofed = flags & ~human
            yield {column: value}, (flags & human) | (spoofed if spoofed.sum() >= FEWEST else ~human)


def _some(targets: Flags, most: int) -> Indices:
    """Returns all targets and a sample of the others, drawn with a seed, as indices."""
    others = np.flatnonzero(~targets)
    if len(others) > most:
        others = np.random.default_rng(SEED).choice(others, most, replace=False)
    return np.sort(np.concatenate([np.flatnonzero(targets), others]))


def _can_compare(speakers: tuple[Indices, Indices]) -> bool:
    same = speakers[0] == speakers[1]
    if min(same.sum(), (~same).sum()) < FEWEST:
        return False
    return can_resample(speakers[0][same], len(np.unique(np.concatenate(speakers))))


def verification_set(
    scores: Sequence[Floats], speakers: tuple[Indices, Indices], columns: Mapping[str, str], replicates: int
) -> ScoredSet:
    """Compares bundles on one set of trials.

    Args:
        scores: LLRs by bundle, the candidate first, shape (n,) each.
        speakers: of both sides of each trial, shape (n,) each.
        columns: what makes the cohort, by column.
        replicates: how many resamples are drawn.
    """
    names, places = np.unique(np.concatenate(speakers), return_inverse=True)
    first, second = np.split(places, 2)
    targets, count = first == second, len(names)
    some = _some(targets, MOST_FITTED)
    systems, fitted = [], []
    for each in scores:
        order = np.argsort(each, kind="stable")
        runs = Runs.of(Trials.of(each, targets), (first[order], second[order]), count)
        systems.append(ComparedSystem(runs, verification_figures))
        fitted.append(ComparedSystem(PairTrials.of(each[some], (first[some], second[some])), calibration_figures))

    def draw(generator: np.random.Generator) -> Floats:
        return np.bincount(generator.integers(count, size=count), minlength=count).astype(np.float64)

    counts = _pair_counts(*speakers)
    figures = {
        name: each for part in (systems, fitted) for name, each in differences(part, draw, count, replicates).items()
    }
    return ScoredSet(VERIFICATION, columns, scores, targets, _set(VERIFICATION, columns, counts, count, figures))


def _liveness(material: ObservedMaterial, scores: Sequence[Floats], columns: Mapping[str, str]) -> ScoredSet:
    human = np.array([each.row.get("label") != SPOOF for each in material.clips], np.bool_)
    units, sizes = _units(material.clips, human)

    def draw(generator: np.random.Generator) -> Floats:
        sides = [np.bincount(generator.integers(size, size=size), minlength=size) for size in sizes]
        return np.concatenate(sides).astype(np.float64)

    scales = [each.liveness or LivenessScale(-np.inf, 0.0) for each in material.calibrations]
    systems = [
        ComparedSystem(UnitTrials.of(each, human, units), liveness_figures(scale.spoof_below))
        for each, scale in zip(scores, scales, strict=True)
    ]
    counts = _call_counts(human)
    figures = differences(systems, draw, sum(sizes), material.replicates)
    return ScoredSet(LIVENESS, columns, scores, human, _set(LIVENESS, columns, counts, min(sizes), figures))


def few(task: str, columns: Mapping[str, str], counts: Mapping[str, int]) -> ScoredSet:
    """A cohort with too few trials to be measured: without figures."""
    return ScoredSet(task, columns, [], np.zeros(0, np.bool_), _set(task, columns, counts, 0, {}))


def _pair_counts(first: Indices, second: Indices) -> Mapping[str, int]:
    targets = first == second
    speakers = len(np.unique(np.concatenate([first, second])))
    return {"speakers": speakers, "targets": int(targets.sum()), "nontargets": int((~targets).sum())}


def _call_counts(human: Flags) -> Mapping[str, int]:
    return {"bona_fide": int(human.sum()), "spoofed": int((~human).sum())}


def _units(clips: Sequence[Clip], human: Flags) -> tuple[Indices, tuple[int, int]]:
    """Returns what is drawn of each recording, by index, and how many units there are of bona fide and of spoofs."""
    systems = {system(each) for each, flag in zip(clips, human, strict=True) if not flag}
    by_system = len(systems) >= ENOUGH_SYSTEMS
    names = np.array(
        [
            (f"0 {each.speaker or each.path}" if flag else f"1 {system(each) if by_system else each.path}")
            for each, flag in zip(clips, human, strict=True)
        ]
    )
    found, units = np.unique(names, return_inverse=True)
    people = sum(name.startswith("0 ") for name in found.tolist())
    return units, (people, len(found) - people)


def _set(
    task: str, columns: Mapping[str, str], counts: Mapping[str, int], units: int, figures: Mapping[str, Any]
) -> TrialSet:
    cohort = ", ".join(f"{column}={value}" for column, value in columns.items()) or None
    head = {"task": task, "cohort": cohort, "columns": list(columns), "counts": dict(counts), "units": units}
    return {**head, "figures": figures}
