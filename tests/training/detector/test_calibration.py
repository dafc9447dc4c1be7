import numpy as np
import pytest
from numpy.typing import NDArray

from training.detector.calibration import DetectorCalibration, alike, fit, worst_quantile

type Held = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.str_]]


@pytest.fixture
def held() -> Held:
    generator = np.random.default_rng(1)
    human = np.arange(1200) % 2 == 0
    cells = np.where(human, "readers wide", np.where(np.arange(1200) % 20 == 1, "rare wide", "frequent wide"))
    scores = generator.normal(0, 1, 1200) + np.where(human, 1.0, -1.0)
    return scores, human, cells


def found(held: Held) -> DetectorCalibration:
    return fit(*held)


def test_bona_fide_speech_is_above_spoofs_and_a_higher_score_is_never_a_lower_llr(held: Held) -> None:
    scores, human, _ = held
    llr = found(held).llr(scores)
    assert llr[human].mean() > 0.5 > -0.5 > llr[~human].mean()
    line = found(held).llr(np.linspace(-9, 9, 99))
    assert (np.diff(line) >= 0).all()


def test_no_llr_is_lower_than_the_held_out_crops_support(held: Held) -> None:
    assert found(held).llr(np.array([-1e6])) == pytest.approx(-np.log(600))


def test_a_rare_family_counts_like_a_frequent_one(held: Held) -> None:
    _, human, cells = held
    weights = alike(human, cells)
    assert weights[human].sum() == pytest.approx(weights[~human].sum()) == pytest.approx(1.0)
    assert weights[cells == "rare wide"].sum() == pytest.approx(weights[cells == "frequent wide"].sum())


def test_the_threshold_is_that_of_the_worst_cell_large_enough_to_tell() -> None:
    llr = np.concatenate([np.linspace(0, 1, 100), np.linspace(-1, 0, 100), [-50.0] * 3])
    cells = np.array(["clean"] * 100 + ["noisy"] * 100 + ["tiny"] * 3)
    assert -1.0 < worst_quantile(llr, cells) < -0.9


def test_lines_that_are_all_too_small_are_judged_together() -> None:
    llr = np.linspace(0, 1, 39)
    assert worst_quantile(llr, np.where(llr < 0.5, "telephone", "wide")) == pytest.approx(0.035)


def test_a_few_crops_do_not_bend_the_line() -> None:
    generator = np.random.default_rng(2)
    human, found = np.arange(80) % 2 == 0, generator.normal(0, 1, 80)
    found[human] += 1.5
    assert fit(found, human, np.full(80, "wide")).steepness == 0.0
