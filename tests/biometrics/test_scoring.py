import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.scoring import Calibration, Condition, Curve, bands_to_compare, compare
from bonafide.biometrics.voiceprint import Voiceprint
from training.evaluation.batch import score

SPACE = "campplus-test"
COMMITTED = Path(__file__).parents[2] / "layers/model/calibration/calibration.json"
CURVE = Curve(slope=20.0, level=0.6, half_seconds=1.0, lowest=-7.0, highest=8.0)
# A runtime that flushes subnormals to zero may be loaded in this process.
COSINES = st.floats(-1, 1, allow_subnormal=False)
SECONDS = st.floats(0.5, 60)


def calibration() -> Calibration:
    return replace(Calibration.parse(json.loads(COMMITTED.read_text())), embedding_space=SPACE)


def heard(angle: float, channel: Channel, *bands: Channel, seconds: float = 5.0, space: str = SPACE) -> Evidence:
    vector = np.array([np.cos(angle), np.sin(angle)], np.float32)
    return Evidence(seconds, channel, dict.fromkeys(bands, vector), Quality(-20.0, 0.0, 30.0), space)


def wideband(angle: float = 0.0, seconds: float = 5.0) -> Evidence:
    return heard(angle, Channel.WIDEBAND, Channel.WIDEBAND, Channel.NARROWBAND, seconds=seconds)


def narrowband(angle: float = 0.0, seconds: float = 5.0) -> Evidence:
    return heard(angle, Channel.NARROWBAND, Channel.NARROWBAND, seconds=seconds)


def enrolled(*evidence: Evidence) -> Voiceprint:
    voiceprint = Voiceprint.empty(SPACE)
    for each in evidence:
        voiceprint = voiceprint.add(each)
    return voiceprint


@pytest.mark.parametrize(
    ("enrollment", "test", "condition"),
    [
        (wideband(), wideband(), Condition.WIDEBAND),
        (narrowband(), narrowband(), Condition.NARROWBAND),
        (wideband(), narrowband(), Condition.CROSS),
        (narrowband(), wideband(), Condition.CROSS),
    ],
)
def test_compares_in_the_widest_band_that_both_have(enrollment: Evidence, test: Evidence, condition: Condition) -> None:
    assert score(enrolled(enrollment), test, calibration()).condition is condition


def test_a_template_is_of_the_band_that_most_of_it_was_recorded_in() -> None:
    mixed = enrolled(wideband(seconds=4.0), narrowband(seconds=10.0))
    assert compare(mixed, narrowband()).condition is Condition.NARROWBAND


def test_a_wideband_call_is_brought_down_only_to_meet_a_narrowband_voiceprint() -> None:
    assert bands_to_compare(enrolled(narrowband())) == [Channel.NARROWBAND]
    assert bands_to_compare(enrolled(wideband(), narrowband())) == []


def test_a_moment_of_wideband_speech_does_not_displace_a_telephone_voiceprint() -> None:
    telephone = narrowband(seconds=20.0)
    brief, enough = (enrolled(telephone, wideband(angle=1.4, seconds=seconds)) for seconds in (0.6, 2.0))
    assert bands_to_compare(brief) == [Channel.NARROWBAND]
    assert compare(brief, wideband()).condition is Condition.CROSS
    assert score(brief, wideband(), calibration()).llr > 2.0
    assert bands_to_compare(enough) == []
    assert compare(enough, wideband()).condition is Condition.WIDEBAND


def test_wideband_speech_is_used_however_brief_where_there_is_hardly_any_other() -> None:
    assert compare(enrolled(wideband(seconds=0.6)), wideband()).condition is Condition.WIDEBAND
    assert compare(enrolled(wideband(seconds=1.0), narrowband(seconds=0.5)), wideband()).condition is Condition.WIDEBAND


@given(COSINES, COSINES, SECONDS, SECONDS)
def test_the_llr_rises_with_the_cosine(one: float, other: float, enrolled_seconds: float, seconds: float) -> None:
    low, high = sorted((one, other))
    assert CURVE.llr(low, enrolled_seconds, seconds) <= CURVE.llr(high, enrolled_seconds, seconds)


@given(COSINES, SECONDS, SECONDS)
def test_the_llr_keeps_within_its_bounds(cosine: float, enrolled_seconds: float, seconds: float) -> None:
    assert -7.0 - 1e-3 <= CURVE.llr(cosine, enrolled_seconds, seconds) <= 8.0 + 1e-3


@given(COSINES, SECONDS, SECONDS)
def test_both_sides_count_the_same(cosine: float, one: float, other: float) -> None:
    assert CURVE.llr(cosine, one, other) == pytest.approx(CURVE.llr(cosine, other, one))


def test_a_cosine_says_more_the_less_speech_it_was_reached_with() -> None:
    assert CURVE.llr(0.6, 20.0, 2.0) > CURVE.llr(0.6, 20.0, 20.0)


def test_less_speech_than_was_measured_counts_as_the_least_that_was() -> None:
    least = calibration().measured.seconds
    none, some = (score(enrolled(wideband()), wideband(1.0, seconds), calibration()) for seconds in (0.0, least))
    assert none.llr == some.llr


def test_what_was_committed_separates_one_voice_from_two() -> None:
    for make in (wideband, narrowband):
        assert score(enrolled(make(0.0, 20.0)), make(0.3), calibration()).llr > 2.0
        assert score(enrolled(make(0.0, 20.0)), make(1.4), calibration()).llr < -2.0


def test_embedding_spaces_never_mix() -> None:
    alien = heard(0.0, Channel.NARROWBAND, Channel.NARROWBAND, space="another")
    with pytest.raises(ValueError, match="space"):
        score(enrolled(narrowband()), alien, calibration())
    with pytest.raises(ValueError, match="space"):
        score(enrolled(narrowband()), narrowband(), replace(calibration(), embedding_space="another"))


def test_bands_that_do_not_meet_are_refused() -> None:
    with pytest.raises(ValueError, match="band"):
        score(enrolled(narrowband()), heard(0.0, Channel.WIDEBAND, Channel.WIDEBAND), calibration())
