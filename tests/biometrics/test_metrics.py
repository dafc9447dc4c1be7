from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bonafide.biometrics.metrics import Roc, Trials, bootstrap, cllr, eer, fnmr_at_fmr, min_cllr

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
    intervals = bootstrap(trials, sides, {"eer": eer}, replicates=100)
    assert intervals["eer"][0] < eer(trials) < intervals["eer"][1]
    assert intervals == bootstrap(trials, sides, {"eer": eer}, replicates=100)


def test_refuses_trials_of_one_kind() -> None:
    with pytest.raises(ValueError, match="two"):
        Trials.of(np.zeros(3), np.ones(3, bool))
