from functools import partial
from itertools import pairwise
from math import log2

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from training.evaluation.bootstrap import Runs, speaker_intervals
from training.evaluation.metrics import (
    DetectionCosts,
    Kind,
    Roc,
    TandemTrials,
    Trials,
    a_dcf,
    cllr,
    eer,
    fnmr_at_fmr,
    min_a_dcf,
    min_cllr,
)

SCORES = st.integers(2, 60).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, n, elements=st.integers(-20, 20).map(float)),
        arrays(np.bool_, n).filter(lambda flags: flags.any() and not flags.all()),
    )
)


def gaussian_llrs(separation: float, count: int) -> Trials:
    """Perfectly calibrated: N(+m, 2m) for targets and N(-m, 2m) for others, with m = separation^2 / 2."""
    generator = np.random.default_rng(7)
    targets = np.arange(count) % 2 == 0
    mean = separation**2 / 2
    return Trials.of(np.where(targets, mean, -mean) + separation * generator.standard_normal(count), targets)


@given(SCORES)
def test_rates_are_those_of_counting_at_every_threshold(trials: tuple[np.ndarray, np.ndarray]) -> None:
    scores, targets = trials
    roc = Roc.of(Trials.of(scores, targets))
    thresholds = [*np.unique(scores), np.inf]
    assert roc.fmr == pytest.approx([np.mean(scores[~targets] >= each) for each in thresholds])
    assert roc.fnmr == pytest.approx([np.mean(scores[targets] < each) for each in thresholds])


@given(SCORES)
def test_the_equal_error_rate_lies_between_the_rates_on_both_sides_of_the_crossing(
    trials: tuple[np.ndarray, np.ndarray],
) -> None:
    ordered = Trials.of(*trials)
    roc = Roc.of(ordered)
    assert np.maximum(roc.fmr, roc.fnmr).min() + 1e-12 >= eer(ordered) >= np.minimum(roc.fmr, roc.fnmr).max() - 1e-12


def test_the_equal_error_rate_of_gaussians_is_the_known_one() -> None:
    assert eer(gaussian_llrs(2.0, 200_000)) == pytest.approx(0.1587, abs=0.003)


def test_interpolates_where_the_error_rates_cross() -> None:
    trials = Trials.of(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True]))
    assert eer(trials) == pytest.approx(0.5)
    assert fnmr_at_fmr(trials, 0.5) == 0.0
    assert fnmr_at_fmr(trials, 0.49) == 0.5
    assert fnmr_at_fmr(trials, 1.0) == 0.0


def test_never_tells_equal_scores_apart() -> None:
    assert eer(Trials.of(np.zeros(10), np.arange(10) < 3)) == pytest.approx(0.5)


@given(SCORES)
def test_weights_count_like_repetitions(trials: tuple[np.ndarray, np.ndarray]) -> None:
    scores, targets = trials
    weights = np.asarray(1 + np.arange(len(scores)) % 3, np.float64)
    weighted = Trials.of(scores, targets, weights)
    repeated = Trials.of(np.repeat(scores, weights.astype(int)), np.repeat(targets, weights.astype(int)))
    for measure in (eer, cllr, min_cllr):
        assert measure(weighted) == pytest.approx(measure(repeated))


def test_llrs_that_say_nothing_cost_one_bit() -> None:
    silent = Trials.of(np.zeros(10), np.arange(10) < 3)
    assert cllr(silent) == pytest.approx(1.0)
    assert min_cllr(silent) == pytest.approx(1.0)


def test_calibrated_llrs_leave_nothing_to_gain_from_recalibration() -> None:
    trials = gaussian_llrs(3.0, 200_000)
    assert 0.0 <= cllr(trials) - min_cllr(trials) < 0.003


@given(SCORES)
def test_recalibration_never_costs_and_sees_only_the_order(trials: tuple[np.ndarray, np.ndarray]) -> None:
    scores, targets = trials
    ordered = Trials.of(scores, targets)
    assert min_cllr(ordered) <= cllr(ordered) + 1e-9
    assert min_cllr(Trials.of(scores**3 * 5.0 - 2.0, targets)) == pytest.approx(min_cllr(ordered), abs=1e-9)


def test_pools_adjacent_violators_as_by_hand() -> None:
    # Ascending: other | target, other | target. The middle pair pools to even odds.
    trials = Trials.of(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True]))
    assert min_cllr(trials) == pytest.approx(0.5 * (0.5 * log2(2.0) + 0.5 * log2(2.0)))


def test_intervals_hold_the_measure_and_are_repeatable() -> None:
    generator = np.random.default_rng(3)
    speakers = np.repeat(np.arange(20), 4)
    first, second = np.triu_indices(len(speakers), 1)
    targets = speakers[first] == speakers[second]
    scores = np.where(targets, 3.0, -3.0) + 2.0 * generator.standard_normal(len(targets))
    trials, order = Trials.of(scores, targets), np.argsort(scores, kind="stable")
    sides = speakers[first][order], speakers[second][order]
    intervals = speaker_intervals(trials, sides, {"eer": eer}, replicates=100)
    assert intervals["eer"] is not None
    assert intervals["eer"][0] < eer(trials) < intervals["eer"][1]
    assert intervals == speaker_intervals(trials, sides, {"eer": eer}, replicates=100)


def crossed(counts: list[int], seed: int, levels: int) -> tuple[Trials, tuple[np.ndarray, np.ndarray]]:
    """Every pair of so many recordings of each speaker; few levels make many scores equal."""
    speakers = np.repeat(np.arange(len(counts)), counts)
    first, second = np.triu_indices(len(speakers), 1)
    targets = speakers[first] == speakers[second]
    scores = np.round(np.random.default_rng(seed).normal(np.where(targets, 1.0, -1.0)) * levels)
    order = np.argsort(scores, kind="stable")
    return Trials.of(scores, targets), (speakers[first][order], speakers[second][order])


@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=6), st.integers(0, 99), st.sampled_from([1, 3, 1000]), st.data()
)
def test_runs_measure_what_their_trials_do_however_often_speakers_are_drawn(
    counts: list[int], seed: int, levels: int, data: st.DataObject
) -> None:
    trials, (first, second) = crossed([*counts, 2], seed, levels)
    drawn = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(counts) + 1, max_size=len(counts) + 1)))
    weights = np.where(trials.targets, drawn[first], drawn[first] * drawn[second]).astype(np.float64)
    assume(weights[trials.targets].any() and weights[~trials.targets].any())
    pooled = Runs.of(trials, (first, second), len(drawn)).weighted(drawn.astype(np.float64))
    assert len(pooled.scores) <= len(trials.scores)
    for measure in (eer, cllr, min_cllr, partial(fnmr_at_fmr, fmr=0.01), partial(fnmr_at_fmr, fmr=0.3)):
        assert measure(pooled) == pytest.approx(measure(trials.reweighted(weights)), abs=1e-12)


@pytest.mark.parametrize("counts", [[3, 3], [4, 1, 1, 1]])
def test_too_few_speakers_leave_no_interval_instead_of_one_without_width(counts: list[int]) -> None:
    assert speaker_intervals(*crossed(counts, 1, 1000), {"eer": eer, "cllr": cllr}) == {"eer": None, "cllr": None}


@given(SCORES)
def test_pooling_many_at_once_ends_where_pooling_one_by_one_does(trials: tuple[np.ndarray, np.ndarray]) -> None:
    scores, targets = trials
    distinct = np.unique(scores)
    shares = [np.array([np.mean(scores[kind] == each) for each in distinct]) for kind in (targets, ~targets)]
    blocks = [(t, o) for t, o in zip(*shares, strict=True)]
    while any(one[0] * two[1] >= two[0] * one[1] for one, two in pairwise(blocks)):
        at = next(n for n, (one, two) in enumerate(pairwise(blocks)) if one[0] * two[1] >= two[0] * one[1])
        blocks[at : at + 2] = [(blocks[at][0] + blocks[at + 1][0], blocks[at][1] + blocks[at + 1][1])]
    cost = sum(share * log2((t + o) / share) for t, o in blocks for share in (t, o) if share > 0) / 2.0
    assert min_cllr(Trials.of(scores, targets)) == pytest.approx(cost, abs=1e-9)


def test_refuses_trials_of_one_kind() -> None:
    with pytest.raises(ValueError, match="two"):
        Trials.of(np.zeros(3), np.ones(3, bool))


COSTS = DetectionCosts(nontarget_prior=0.05, spoof_prior=0.05, miss=1.0, false_accept=10.0, spoof_accept=20.0)
TANDEM = st.integers(3, 60).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, n, elements=st.integers(-20, 20).map(float)),
        arrays(np.intp, n, elements=st.sampled_from([int(kind) for kind in Kind])).map(with_each_kind),
        arrays(np.bool_, n),
    )
)


def with_each_kind(kinds: np.ndarray) -> np.ndarray:
    return np.concatenate([list(Kind), kinds[len(Kind) :]]).astype(np.intp)


def test_the_cost_of_decisions_is_as_by_hand() -> None:
    # One target of four missed, one of two others accepted, one of five spoofs accepted; rejecting all would cost 0.9.
    kinds = np.repeat(np.arange(3), [4, 2, 5])
    accepted = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0], bool)
    trials = TandemTrials.of(np.arange(11.0), kinds, accepted)
    assert a_dcf(trials, COSTS) == pytest.approx((0.9 / 4 + 10 * 0.05 / 2 + 20 * 0.05 / 5) / 0.9)


def test_the_least_cost_of_a_threshold_is_as_by_hand() -> None:
    # The best threshold, at 3, misses one target of two and lets no other pass: accepting the spoof at 2 costs more.
    trials = TandemTrials.of(np.array([1.0, 3.0, 0.0, 2.0]), np.array([0, 0, 1, 2]), np.zeros(4, bool))
    assert min_a_dcf(trials, COSTS) == pytest.approx(0.5)


def test_the_cost_is_normalized_by_the_cheaper_of_accepting_and_rejecting_all() -> None:
    rare = DetectionCosts(nontarget_prior=0.01, spoof_prior=0.001, miss=1.0, false_accept=10.0, spoof_accept=10.0)
    everyone = TandemTrials.of(np.zeros(3), np.arange(3), np.ones(3, bool))
    assert a_dcf(everyone, rare) == pytest.approx(1.0)
    assert a_dcf(everyone, COSTS) == pytest.approx(1.5 / 0.9)


@given(TANDEM)
def test_the_least_cost_lies_between_nothing_and_answering_all_alike(trials: tuple[np.ndarray, ...]) -> None:
    assert 0.0 <= min_a_dcf(TandemTrials.of(*trials), COSTS) <= 1.0


@given(TANDEM, st.integers(-21, 21))
def test_no_threshold_costs_less_than_the_least_cost(trials: tuple[np.ndarray, ...], threshold: int) -> None:
    scores, kinds, _ = trials
    decided = TandemTrials.of(scores, kinds, scores >= threshold)
    assert a_dcf(decided, COSTS) >= min_a_dcf(decided, COSTS) - 1e-12


@given(TANDEM)
def test_the_least_cost_sees_only_the_order_and_the_cost_only_the_decisions(trials: tuple[np.ndarray, ...]) -> None:
    scores, kinds, accepted = trials
    ordered, mapped = TandemTrials.of(scores, kinds, accepted), TandemTrials.of(scores**3 - 7.0, kinds, accepted)
    assert min_a_dcf(mapped, COSTS) == pytest.approx(min_a_dcf(ordered, COSTS))
    assert a_dcf(mapped, COSTS) == pytest.approx(a_dcf(ordered, COSTS))


@given(TANDEM)
def test_weights_of_whole_decisions_count_like_repetitions(trials: tuple[np.ndarray, ...]) -> None:
    scores, kinds, accepted = trials
    weights = 1 + np.arange(len(scores)) % 3
    weighted = TandemTrials.of(scores, kinds, accepted, weights.astype(np.float64))
    repeated = TandemTrials.of(*(np.repeat(each, weights) for each in (scores, kinds, accepted)))
    for measure in (a_dcf, min_a_dcf):
        assert measure(weighted, COSTS) == pytest.approx(measure(repeated, COSTS))


def test_refuses_whole_decisions_without_a_kind_of_trial() -> None:
    with pytest.raises(ValueError, match="each kind"):
        TandemTrials.of(np.zeros(2), np.array([0, 2]), np.zeros(2, bool))
