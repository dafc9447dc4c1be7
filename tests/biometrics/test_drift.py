"""Windows of one population are no drift although speakers resemble themselves; what changes is noticed."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from bonafide.biometrics.chance import Attack, Moments, ks_bound
from bonafide.biometrics.drift import (
    DIRECTIONS,
    DriftBaseline,
    DriftSignal,
    ObservedCall,
    differences,
    distributions,
    drifted,
    observed_values,
)
from bonafide.biometrics.populations import Distribution, Readings
from tests.decisions import decision_record

AT = datetime(2026, 3, 1, tzinfo=UTC)
BUNDLE = "d" * 64


def calls(
    generator: np.random.Generator,
    speakers: int,
    each: int,
    level: float = -25.0,
    narrow: float = 0.3,
    llr: float = 5.0,
) -> list[ObservedCall]:
    """Calls whose speakers differ from each other three times as much as one speaker's calls do."""
    made = []
    for speaker in range(speakers):
        own, is_narrow = generator.normal(level, 3), float(generator.random() < narrow)
        for _ in range(each):
            values = {
                DriftSignal.LEVEL: float(generator.normal(own, 1)),
                DriftSignal.NARROWBAND: is_narrow,
                DriftSignal.SPEAKER_LLR: float(generator.normal(llr, 2)),
            }
            made.append(ObservedCall(f"s{speaker}", BUNDLE, values))
    return made


def baseline(found: list[ObservedCall]) -> DriftBaseline:
    return DriftBaseline(BUNDLE, AT, AT, distributions(found, BUNDLE))


def test_200_windows_of_the_same_population_raise_no_alarm() -> None:
    generator = np.random.default_rng(1)
    learned = baseline(calls(generator, 150, 4))
    alarms = [drifted(differences(learned, calls(generator, 60, int(generator.integers(1, 9))))) for _ in range(200)]
    assert sum(bool(each) for each in alarms) <= 1


@pytest.mark.parametrize(
    ("change", "signal"),
    [
        ({"level": -16.0}, DriftSignal.LEVEL),
        ({"narrow": 1.0}, DriftSignal.NARROWBAND),
        ({"narrow": 0.25}, None),
        ({"llr": 2.0}, DriftSignal.SPEAKER_LLR),
    ],
)
def test_a_changed_population_is_noticed_by_its_signal(change: dict[str, float], signal: DriftSignal | None) -> None:
    generator = np.random.default_rng(2)
    learned = baseline(calls(generator, 150, 4))
    found = drifted(differences(learned, calls(generator, 60, 3, **change)))
    assert found == ([signal] if signal else [])


@pytest.mark.parametrize(("before", "after"), [(0.0, 1.0), (1.0, 0.0)])
def test_a_signal_that_was_the_same_for_all_may_change_both_ways(before: float, after: float) -> None:
    generator = np.random.default_rng(3)
    learned = baseline(calls(generator, 60, 2, narrow=before))
    assert drifted(differences(learned, calls(generator, 60, 2, narrow=after))) == [DriftSignal.NARROWBAND]


def test_another_mix_of_bands_is_no_change_of_what_each_band_brings() -> None:
    generator = np.random.default_rng(8)

    def leveled(found: list[ObservedCall]) -> list[ObservedCall]:
        shifted = []
        for each in found:
            level = each.values[DriftSignal.LEVEL] - 12 * each.values[DriftSignal.NARROWBAND]
            shifted.append(ObservedCall(each.speaker, each.bundle, {**each.values, DriftSignal.LEVEL: level}))
        return shifted

    learned = baseline(leveled(calls(generator, 200, 3)))
    found = drifted(differences(learned, leveled(calls(generator, 80, 3, narrow=0.9))))
    assert found == [DriftSignal.NARROWBAND]
    found = drifted(differences(learned, leveled(calls(generator, 80, 3, level=-20.0))))
    assert found == [DriftSignal.LEVEL]


def voices(generator: np.random.Generator, people: int, machines: int = 0, odd: float = 0.0) -> list[ObservedCall]:
    """One call of each speaker; a share of the people is as unlike a person as a machine."""
    llrs = np.where(generator.random(people) < odd, -7.0, generator.normal(0.6, 0.5, people)).tolist()
    found = enumerate([*llrs, *[-7.0] * machines])
    return [ObservedCall(f"s{number}", BUNDLE, {DriftSignal.LIVENESS_LLR: llr}) for number, llr in found]


@pytest.mark.parametrize(("machines", "expected"), [(2, []), (6, [DriftSignal.LIVENESS_LLR])])
def test_a_few_machines_are_noticed_where_no_person_sounded_like_one(
    machines: int, expected: list[DriftSignal]
) -> None:
    generator = np.random.default_rng(10)
    learned = baseline(voices(generator, 100))
    assert drifted(differences(learned, voices(generator, 50 - machines, machines))) == expected


@pytest.mark.parametrize("odd", [0.02, 0.1, 0.3])
def test_people_who_sound_like_machines_as_often_as_before_are_no_drift(odd: float) -> None:
    generator = np.random.default_rng(11)
    alarms = 0
    for _ in range(200):
        learned = baseline(voices(generator, 100, odd=odd))
        alarms += len(drifted(differences(learned, voices(generator, 50, odd=odd))))
    assert alarms <= 2


def test_one_frequent_caller_is_no_drift() -> None:
    generator = np.random.default_rng(4)
    learned = baseline(calls(generator, 100, 3))
    odd = ObservedCall("robot", BUNDLE, {DriftSignal.LEVEL: 0.0, DriftSignal.NARROWBAND: 1.0})
    assert drifted(differences(learned, [*calls(generator, 60, 3), *[odd] * 5000])) == []


def test_too_few_calls_or_speakers_say_nothing() -> None:
    generator = np.random.default_rng(5)
    learned = baseline(calls(generator, 100, 3))
    assert differences(learned, calls(generator, 19, 1, level=0.0)) == {}
    assert differences(learned, calls(generator, 19, 40, level=0.0)) == {}
    assert differences(learned, calls(generator, 20, 1, level=0.0))


def test_signals_of_another_bundle_are_not_compared() -> None:
    generator = np.random.default_rng(6)
    learned = baseline(calls(generator, 100, 3))
    others = [ObservedCall(each.speaker, "e" * 64, each.values) for each in calls(generator, 60, 3)]
    assert differences(learned, others).keys() == {DriftSignal.LEVEL, DriftSignal.NARROWBAND}


def test_a_speaker_counts_once() -> None:
    readings = Readings.of([("ann", 1.0), ("bob", 3.0), ("bob", 4.0), ("bob", 5.0)])
    assert readings.below(np.array([0.0, 1.0, 3.5, 5.0])).tolist() == pytest.approx([0, 0.5, 0.5 + 0.5 / 3, 1])
    assert readings.effective(1.0) == 2.0
    assert readings.effective(0.0) == pytest.approx(4 / (1 + 1 / 3))


def test_resemblance_is_the_share_of_variance_between_speakers() -> None:
    generator = np.random.default_rng(7)
    levels = [
        (f"{speaker}", float(own + generator.normal(0, 1)))
        for speaker, own in enumerate(generator.normal(0, 2, 2000))
        for _ in range(3)
    ]
    # 4 / (4 + 1), a little less for ranks.
    assert Readings.of(levels).resemblance() == pytest.approx(0.78, abs=0.03)
    assert Readings.of([(f"{n}", float(n)) for n in range(100)]).resemblance() == 1.0


def test_the_bound_of_the_distance_is_that_of_published_tables() -> None:
    """Two-sided 1 % points of Stephens' table: 1.628 over the corrected root."""
    assert ks_bound(100.0, 0.01) * (10 + 0.12 + 0.011) == pytest.approx(1.628, abs=0.001)


def test_the_mean_of_a_later_sample_exceeds_its_bound_as_rarely_as_it_says() -> None:
    """What is rare in the earlier sample makes the tail of the mean long, which a normal bound would be blind to."""
    generator = np.random.default_rng(9)
    values, sizes = np.array([0.0, 0.1, 1.0]), np.array([60.0, 35.0, 5.0])
    shares = generator.dirichlet(sizes, 40000)
    means = generator.multinomial(50, shares) @ values / 50
    bounds = [Moments.predicted(values, sizes, 50).exceeded(chance) for chance in (1e-2, 2e-3)]
    assert [(means > each).mean() for each in bounds] == [pytest.approx(1e-2, rel=0.3), pytest.approx(2e-3, rel=0.3)]


def test_the_probability_of_an_attack_is_that_of_bayes() -> None:
    attack = Attack(share=0.2, chance=1e-3)
    assert attack.probability(np.log([1.0, 0.25, 4.0])).tolist() == pytest.approx([0.2, 0.5, 1 / 17])


def test_a_distribution_is_read_as_it_was_written() -> None:
    found = Distribution.of(Readings.of([("ann", 0.1), ("bob", 0.2), ("cy", 0.2)]))
    again = Distribution.from_document(found.to_document())
    assert (again.points.tolist(), again.below.tolist()) == (found.points.tolist(), found.below.tolist())
    assert again.effective == found.effective


def test_a_decision_shows_its_signals_and_one_without_evidence_none() -> None:
    record = decision_record()
    values = observed_values(record.case, record.judgement)
    assert values[DriftSignal.SNR] == 31.44
    assert values[DriftSignal.NARROWBAND] == 1.0
    assert DriftSignal.EMBEDDING_NORM not in values
    assert not values.keys() & set(DIRECTIONS)
    values = observed_values(replace(record.case, embedding_directions=(0.1, -0.2, 0.3, 0.0)), record.judgement)
    assert [values[each] for each in DIRECTIONS] == [0.1, -0.2, 0.3, 0.0]
