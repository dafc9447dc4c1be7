import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.voiceprint import Voiceprint

SPACE = "campplus-test"


def heard(seed: int, seconds: float, channel: Channel, *bands: Channel, space: str = SPACE) -> Evidence:
    generator = np.random.default_rng(seed)
    vectors = {band: generator.standard_normal(8).astype(np.float32) for band in bands}
    embeddings = {band: vector / np.linalg.norm(vector) for band, vector in vectors.items()}
    return Evidence(seconds, channel, embeddings, Quality(-20.0, 0.0, 30.0), space)


def wideband(seed: int, seconds: float = 5.0) -> Evidence:
    return heard(seed, seconds, Channel.WIDEBAND, Channel.WIDEBAND, Channel.NARROWBAND)


def narrowband(seed: int, seconds: float = 5.0) -> Evidence:
    return heard(seed, seconds, Channel.NARROWBAND, Channel.NARROWBAND)


EVIDENCE = st.builds(
    lambda make, seed, seconds: make(seed, seconds),
    st.sampled_from([wideband, narrowband]),
    st.integers(0, 1000),
    st.floats(0.25, 60.0, width=32),
)


def fold(evidence: list[Evidence]) -> Voiceprint:
    voiceprint = Voiceprint.empty(SPACE)
    for each in evidence:
        voiceprint = voiceprint.add(each)
    return voiceprint


@given(st.lists(EVIDENCE, min_size=1, max_size=4))
def test_the_order_of_recordings_does_not_matter(evidence: list[Evidence]) -> None:
    reference = fold(evidence)
    for order in itertools.permutations(evidence):
        other = fold(list(order))
        assert other.speech_seconds == pytest.approx(reference.speech_seconds)
        for channel, template in reference.templates.items():
            assert other.templates[channel].total == pytest.approx(template.total, abs=1e-3)
            assert other.templates[channel].recordings == template.recordings


@given(st.lists(EVIDENCE, max_size=4))
def test_storage_gives_back_what_it_was_given(evidence: list[Evidence]) -> None:
    voiceprint = fold(evidence)
    stored = Voiceprint.from_bytes(voiceprint.to_bytes())
    assert stored.to_bytes() == voiceprint.to_bytes()
    assert stored.speech_seconds == voiceprint.speech_seconds
    assert stored.channels == voiceprint.channels


def test_speech_weighs_by_its_seconds() -> None:
    long, short = narrowband(1, 30.0), narrowband(2, 1.0)
    template = fold([long, short]).templates[Channel.NARROWBAND]
    expected = 30.0 * long.embeddings[Channel.NARROWBAND] + short.embeddings[Channel.NARROWBAND]
    assert template.total == pytest.approx(expected, rel=1e-5)
    assert template.embedding @ template.embedding == pytest.approx(1.0)


def test_a_template_knows_how_much_of_it_was_recorded_in_its_band() -> None:
    voiceprint = fold([wideband(1, 10.0), narrowband(2, 4.0)])
    assert voiceprint.speech_seconds == 14.0
    assert voiceprint.templates[Channel.NARROWBAND].is_derived
    assert not fold([wideband(1, 4.0), narrowband(2, 10.0)]).templates[Channel.NARROWBAND].is_derived


def test_channels_are_those_that_were_recorded() -> None:
    assert fold([wideband(1)]).channels == [Channel.WIDEBAND]
    assert fold([wideband(1), narrowband(2)]).channels == [Channel.NARROWBAND, Channel.WIDEBAND]
    assert fold([]).channels == []


def test_evidence_without_speech_adds_nothing() -> None:
    voiceprint = fold([wideband(1)])
    assert voiceprint.add(heard(1, 0.1, Channel.NARROWBAND)) is voiceprint


def test_embedding_spaces_never_mix() -> None:
    with pytest.raises(ValueError, match="another"):
        fold([]).add(heard(1, 5.0, Channel.NARROWBAND, Channel.NARROWBAND, space="another"))


def test_refuses_bytes_of_a_later_format() -> None:
    with pytest.raises(ValueError, match="format 2"):
        Voiceprint.from_bytes(fold([]).to_bytes().replace(b'"format": 1', b'"format": 2'))


def test_a_recording_that_a_voiceprint_holds_adds_nothing_and_storage_keeps_what_it_holds() -> None:
    voiceprint = fold([]).add(wideband(1), "a" * 64).add(wideband(2), "b" * 64)
    stored = Voiceprint.from_bytes(voiceprint.to_bytes())
    assert stored.add(wideband(3), "a" * 64) is stored
    assert stored.add(wideband(3), "c" * 64).speech_seconds == 15.0


def test_a_voiceprint_of_the_release_before_holds_no_recording_that_it_knows_and_is_stored_as_it_was() -> None:
    before = fold([wideband(1)]).to_bytes()
    assert b"audio" not in before
    assert Voiceprint.from_bytes(before).to_bytes() == before
    assert Voiceprint.from_bytes(before).add(wideband(1), "a" * 64).speech_seconds == 10.0


def test_a_voiceprint_remembers_a_bounded_number_of_recordings() -> None:
    voiceprint = fold([])
    for number in range(40):
        voiceprint = voiceprint.add(narrowband(1), f"{number:064d}"[::-1])
    assert len(voiceprint.audio) == 32
    assert voiceprint.holds(f"{39:064d}"[::-1])
    assert len(voiceprint.to_bytes()) - len(fold([narrowband(1)]).to_bytes()) < 1300


def named(evidence: list[Evidence], begun: Voiceprint | None = None) -> Voiceprint:
    voiceprint = begun or Voiceprint.empty(SPACE)
    for number, each in enumerate(evidence):
        voiceprint = voiceprint.add(each, f"{number:032x}", str(number))
    return voiceprint


@given(st.lists(EVIDENCE, min_size=1, max_size=5), st.integers(0, 4), st.booleans())
def test_what_is_taken_out_leaves_the_voiceprint_that_was_made_without_it(
    evidence: list[Evidence], number: int, begun: bool
) -> None:
    former = fold([wideband(1001), narrowband(1002)]) if begun else None
    stored = Voiceprint.from_bytes(named(evidence, former).to_bytes())
    without = former or Voiceprint.empty(SPACE)
    for index, each in enumerate(evidence):
        without = without if index == number else without.add(each, f"{index:032x}", str(index))
    assert stored.without(str(number)).to_bytes() == without.to_bytes()
    assert stored.without("nobody") is stored


def test_of_more_than_can_be_kept_apart_the_oldest_stay_for_good() -> None:
    evidence = [narrowband(seed, 1.0) for seed in range(40)]
    voiceprint = named(evidence)
    assert [voiceprint.holds_apart(str(number)) for number in (0, 7, 8, 39)] == [False, False, True, True]
    assert voiceprint.without("39").to_bytes() != named(evidence[:39]).to_bytes()
    total = named(evidence[:39]).templates[Channel.NARROWBAND].total
    assert np.array_equal(voiceprint.without("39").templates[Channel.NARROWBAND].total, total)


def test_no_vector_is_left_as_it_was_by_a_transform_and_none_is_in_the_closed_form() -> None:
    voiceprint = named([wideband(1), narrowband(2)])
    turned = voiceprint.transformed(lambda vectors: -vectors)
    assert turned.without("1").transformed(lambda vectors: -vectors).to_bytes() == voiceprint.without("1").to_bytes()
    groups = [[made.templates, *(each.templates for each in made.parts)] for made in (voiceprint, turned)]
    for each, other in zip(*groups, strict=True):
        for channel, template in each.items():
            assert np.array_equal(other[channel].total, -template.total)
    closed = voiceprint.closed()
    assert (closed.is_closed, closed.parts, closed.audio) == (True, (), ())
    assert closed.speech_seconds == voiceprint.speech_seconds
    assert Voiceprint.empty(SPACE).transformed(lambda vectors: -vectors) == Voiceprint.empty(SPACE)
