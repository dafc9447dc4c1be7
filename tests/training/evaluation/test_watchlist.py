"""The evaluation of watchlists counts what it says, and the scale that is fitted keeps false alarms at its rate."""

from collections.abc import Sequence

import numpy as np
import pytest

from bonafide.biometrics.watchlists.likeness import MOST_EXPECTED, LikenessScale
from training.calibration.watchlist import fit_scale
from training.evaluation.watchlist.__main__ import Looked, report
from training.evaluation.watchlist.lookups import Lookups, SpokenVoice, belongs

DIMENSION = 192


def voices(speakers: int, seed: int, noise: float = 0.6) -> list[SpokenVoice]:
    """Two recordings of each of so many people, whose voices have something in common."""
    random = np.random.default_rng(seed)
    shared = np.random.default_rng(0).normal(size=DIMENSION) / np.sqrt(DIMENSION) * 0.5
    made = []
    for number in range(speakers):
        person = shared + random.normal(size=DIMENSION) / np.sqrt(DIMENSION)
        for _ in range(2):
            vector = person + noise * random.normal(size=DIMENSION) / np.sqrt(DIMENSION)
            seconds = float(random.uniform(2, 20))
            unit = np.asarray(vector / np.linalg.norm(vector), np.float32)
            made.append(SpokenVoice(f"s{number}", unit, seconds))
    return made


@pytest.fixture(scope="module")
def scale() -> LikenessScale:
    chosen = voices(90, 1)
    return LikenessScale.parse(fit_scale(chosen, chosen))


@pytest.mark.parametrize("size", [10, 100])
def test_false_alarms_are_as_many_as_the_scale_says_in_lists_of_any_size(scale: LikenessScale, size: int) -> None:
    lookups = Lookups(voices(150, 2), scale, 1)
    strangers = Looked.of_strangers(lookups, size, 4000)
    rate = strangers.found(scale.least_likeness(size), np.ones(lookups.speakers))
    assert MOST_EXPECTED / 2.5 < rate < MOST_EXPECTED * 2.5


def test_who_is_on_a_list_is_found_at_the_own_entry(scale: LikenessScale) -> None:
    lookups = Lookups(voices(60, 3, noise=0.1), scale, 1)
    listed = Looked.of_listed(lookups, 20, 200)
    assert listed.found(scale.least_likeness(20), np.ones(60)) == 1.0
    nobody = np.zeros(60)
    nobody[listed.callers[0]] = 1.0
    assert listed.found(np.inf, nobody) == 0.0


def test_entries_may_be_of_another_line_than_calls(scale: LikenessScale) -> None:
    spoken = voices(30, 5, noise=0.1)
    swapped = [*spoken[2:], *spoken[:2]]
    own = Looked.of_listed(Lookups(spoken, scale, 1, spoken), 10, 50)
    others = Looked.of_listed(Lookups(spoken, scale, 1, swapped), 10, 50)
    limit = scale.least_likeness(10)
    assert (own.found(limit, np.ones(30)), others.found(limit, np.ones(30))) == (1.0, 0.0)


def test_one_third_of_the_people_for_training_choose_and_nobody_does_both() -> None:
    rows = [{"speaker": f"s{number}", "use": "train"} for number in range(300)]
    chosen = [belongs(row, "choose") for row in rows]
    assert 70 < sum(chosen) < 130
    assert chosen == [not belongs(row, "report") for row in rows]
    assert all(belongs({**row, "use": "eval"}, "report") for row in rows)


def test_the_report_has_a_line_for_each_size_that_there_are_people_for(
    scale: LikenessScale, capsys: pytest.CaptureFixture[str]
) -> None:
    spoken = voices(30, 4)
    report(Lookups(spoken, scale, 1), spoken, scale, [5, 20, 200], 50)
    lines: Sequence[str] = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("30 speakers, 60 recordings")
    assert [line.split()[0] for line in lines[2:]] == ["5", "20"]
