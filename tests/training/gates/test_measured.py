"""Comparisons with the champion find what is worse, and let chance be."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from training.evaluation.metrics import Flags, Floats
from training.evaluation.paired.trialsets import TrialSet, verification_set
from training.gates.criteria import GateCriteria, Submission
from training.gates.measured import measured, student
from training.gates.results import CriterionFinding

SPEAKERS, RECORDINGS, DIMENSION, REPLICATES = 20, 3, 12, 15
FIRST, SECOND = np.triu_indices(SPEAKERS * RECORDINGS, 1)
OWNER = np.repeat(np.arange(SPEAKERS), RECORDINGS)
WOMEN: Flags = OWNER % 2 == 0

type Noise = float | NDArray[np.float64]


def scored(seed: int, noise: Noise = 0.0) -> Floats:
    """LLRs of all pairs by one training of a network: voices, what its seed makes of them, and perhaps noise."""
    voices = np.random.default_rng(0)
    embeddings = voices.standard_normal((SPEAKERS, DIMENSION))[OWNER]
    embeddings = embeddings + 0.4 * voices.standard_normal(embeddings.shape)
    own = np.random.default_rng([1, seed])
    embeddings += 0.15 * own.standard_normal(embeddings.shape)
    embeddings += np.broadcast_to(noise, OWNER.shape)[:, None] * own.standard_normal(embeddings.shape)
    units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    return np.asarray(16.0 * ((units @ units.T)[FIRST, SECOND] - 0.57), np.float64)


def compared(candidate: Floats, champion: Floats) -> list[TrialSet]:
    both = WOMEN[FIRST] & WOMEN[SECOND]
    neither = ~WOMEN[FIRST] & ~WOMEN[SECOND]
    sets = {"": np.ones(len(FIRST), np.bool_), "F": both, "M": neither}
    return [
        verification_set(
            [candidate[chosen], champion[chosen]],
            (OWNER[FIRST[chosen]], OWNER[SECOND[chosen]]),
            {"sex": sex} if sex else {},
            REPLICATES,
        ).result
        for sex, chosen in sets.items()
    ]


def findings(sets: list[TrialSet]) -> list[CriterionFinding]:
    nowhere, criteria = Path(), GateCriteria.read()
    chosen = [each for each in criteria.measured if each.task == "verification"]
    return list(measured(Submission(nowhere, None, {"sets": sets}, nowhere, replaced(criteria, chosen))))


def judged(sets: list[TrialSet]) -> list[CriterionFinding]:
    return [each for each in findings(sets) if not each.passed]


def refused(candidate: Floats, champion: Floats) -> list[CriterionFinding]:
    return [each for each in judged(compared(candidate, champion)) if "champion" in each.criterion]


def alone(trials: TrialSet) -> TrialSet:
    figures = {name: {**each, "champion": None} for name, each in trials["figures"].items()}
    return {**trials, "figures": figures}


def replaced(criteria: GateCriteria, measured: list) -> GateCriteria:  # type: ignore[type-arg]
    return GateCriteria(**{name: getattr(criteria, name) for name in criteria.__slots__} | {"measured": measured})


def test_equals_are_hardly_ever_refused_and_the_champion_itself_never() -> None:
    champion = scored(0)
    assert refused(champion, champion) == []
    assert sum(bool(refused(scored(seed), champion)) for seed in range(1, 6)) <= 1


def test_a_candidate_that_is_worse_for_all_is_refused() -> None:
    assert {each.gate for each in refused(scored(1, 1.0), scored(0)) if each.cohort is None} >= {"verification"}


def test_a_candidate_that_is_worse_for_women_alone_is_refused_for_women() -> None:
    found = refused(scored(1, np.where(WOMEN, 1.6, 0.0)), scored(0))
    assert "sex=F" in {each.cohort for each in found}
    assert "sex=M" not in {each.cohort for each in found}


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 1.5), (1.0, -1.5), (0.25, 0.0), (4.0, 0.0)])
def test_llrs_that_say_what_is_not_so_are_refused_by_calibration_alone(slope: float, offset: float) -> None:
    champion = scored(0)
    assert {each.gate for each in refused(slope * champion + offset, champion)} == {"calibration"}


def test_a_calibration_that_is_better_beyond_doubt_may_differ() -> None:
    champion = scored(0)
    assert refused(champion, 0.2 * champion + 2.0) == []


def test_what_is_hard_for_the_champion_too_is_no_reason_to_refuse() -> None:
    hard = scored(0, 12.0)
    assert judged(compared(hard, hard)) == []
    assert {each.gate for each in judged([alone(compared(hard, hard)[0])])} >= {"verification"}


def test_a_cohort_of_too_few_speakers_is_named() -> None:
    champion = scored(0)
    trials = compared(champion, champion)
    trials[1]["counts"]["speakers"] = 3
    found = [each for each in findings(trials) if str(each.found).startswith("not judged")]
    assert [(each.cohort, each.passed) for each in found] == [("sex", True)]
    assert "sex=F (3 speakers" in str(found[0].found)


@pytest.mark.parametrize(("several", "refused"), [(1, 0), (2, 0), (3, 3)])
def test_a_loss_that_several_comparisons_show_counts_though_none_would_alone(several: int, refused: int) -> None:
    """One of ten counts from 2.8 standard errors on, three from 2.4."""
    criteria = GateCriteria.read()
    (rule, *_) = criteria.measured
    sets = [by_errors(number, 2.5 if number < several else 0.0, rule.cohort_margin or 0.0) for number in range(10)]
    submission = Submission(Path(), None, {"sets": sets}, Path(), replaced(criteria, [rule]))
    judgments = [each for each in measured(submission) if each.cohort]
    assert (len(judgments), sum(not each.passed for each in judgments)) == (10, refused)


def by_errors(number: int, errors: float, margin: float) -> TrialSet:
    """A comparison over one of many lines, whose difference is so many standard errors beyond the margin."""
    figure = {"candidate": 0.1, "champion": 0.1, "difference": margin + 0.01 * errors, "standard_error": 0.01}
    counts = {"speakers": 9999, "targets": 9999, "nontargets": 9999}
    head = {"task": "verification", "cohort": f"channel={number}", "columns": ["channel"], "units": 9999}
    return {**head, "counts": counts, "figures": {"eer": {**figure, "interval": [0.0, 0.2]}}}


@pytest.mark.parametrize(("share", "degrees", "expected"), [(0.025, 10, 2.228), (0.005, 8, 3.355), (0.001, 30, 3.385)])
def test_quantiles_are_those_of_printed_tables(share: float, degrees: int, expected: float) -> None:
    assert student(share, degrees) == pytest.approx(expected, abs=0.01)
