"""One voice is searched among many with one rule for lists of any size."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, Quality
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.biometrics.watchlists.likeness import MOST_EXPECTED, LikenessScale, scale_of
from bonafide.biometrics.watchlists.voices import KnownVoice, KnownVoices

SPACE = "campplus-a60ad57c7847fda0"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = (NOW + timedelta(days=1)).timestamp()


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


def scale(channel: Channel = Channel.NARROWBAND) -> LikenessScale:
    found = scale_of(SPACE, channel)
    assert found
    return found


def a_voice(random: np.random.Generator) -> FloatVector:
    """A voice as common as voices are, and otherwise like no other."""
    vector = random.normal(size=192) / np.sqrt(192) + scale().typical
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def again(random: np.random.Generator, voice: FloatVector, noise: float = 0.3) -> FloatVector:
    vector = voice + noise * random.normal(size=192) / np.sqrt(192)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def spoken(vector: FloatVector, seconds: float = 10.0, *channels: Channel, space: str = SPACE) -> Evidence:
    bands = channels or (Channel.NARROWBAND,)
    return Evidence(seconds, bands[0], dict.fromkeys(bands, vector), Quality(-20.0, 0.0, 30.0), space)


def known(name: str, vector: FloatVector, until: float = LATER, space: str = SPACE) -> KnownVoice:
    return KnownVoice(("known", name), (Voiceprint.of([spoken(vector, space=space)]),), until)


def listed(random: np.random.Generator, count: int) -> tuple[KnownVoices, list[FloatVector]]:
    vectors = [a_voice(random) for _ in range(count)]
    return KnownVoices().changed(count, [known(f"f{n}", each) for n, each in enumerate(vectors)]), vectors


def test_a_fraudster_who_calls_again_is_found_by_name(random: np.random.Generator) -> None:
    voices, vectors = listed(random, 200)
    match = voices.search(spoken(again(random, vectors[17])), NOW)
    assert match
    assert match.name == ("known", "f17")
    assert match.searched == 200
    assert match.expected <= MOST_EXPECTED


def test_somebody_else_is_not_found(random: np.random.Generator) -> None:
    voices, _ = listed(random, 200)
    assert voices.search(spoken(a_voice(random)), NOW) is None


def test_the_matrix_finds_what_comparing_one_by_one_finds(random: np.random.Generator) -> None:
    voices, vectors = listed(random, 50)
    caller = again(random, vectors[3])
    match = voices.search(spoken(caller, 4.0), NOW)
    assert match
    one_by_one = [scale().likeness(caller, each, (4.0, 10.0)) for each in vectors]
    assert match.likeness == pytest.approx(max(one_by_one), abs=1e-5)
    assert match.expected == pytest.approx(scale().expected(max(one_by_one), 50), rel=1e-3)


@pytest.mark.parametrize("channel", list(Channel))
def test_the_longer_the_list_the_nearer_a_match_has_to_be(channel: Channel) -> None:
    limits = [scale(channel).least_likeness(count) for count in (1, 10, 200, 100_000)]
    assert limits == sorted(set(limits))
    for count in (10, 200):
        assert scale(channel).expected(scale(channel).least_likeness(count), count) == pytest.approx(MOST_EXPECTED)


def test_short_speech_has_to_be_no_nearer_than_noise_lets_it(random: np.random.Generator) -> None:
    one, other = a_voice(random), a_voice(random)
    assert scale().likeness(one, other, (1.0, 10.0)) > scale().likeness(one, other, (20.0, 10.0))


def test_with_less_speech_than_was_measured_nothing_is_found(random: np.random.Generator) -> None:
    voices, vectors = listed(random, 10)
    assert voices.search(spoken(vectors[0], 0.9), NOW) is None


def test_who_expired_is_not_searched_any_more(random: np.random.Generator) -> None:
    vector = a_voice(random)
    voices = KnownVoices().changed(1, [known("f0", vector, NOW.timestamp())])
    assert voices.search(spoken(vector), NOW - timedelta(seconds=1))
    assert voices.search(spoken(vector), NOW) is None


def test_only_the_last_change_of_a_name_counts(random: np.random.Generator) -> None:
    before, after = a_voice(random), a_voice(random)
    voices = KnownVoices().changed(1, [known("f0", before)]).changed(3, [known("f1", before), known("f0", after)])
    assert [*voices.alike(spoken(before), NOW, ("known", "none"))] == [("known", "f1")]
    removed = voices.changed(4, [KnownVoice(("known", "f1"))])
    assert removed.search(spoken(before), NOW) is None
    assert removed.search(spoken(after), NOW)
    assert removed.version == 4


def test_a_voice_is_never_compared_with_one_of_another_network(random: np.random.Generator) -> None:
    vector = a_voice(random)
    voices = KnownVoices().changed(1, [known("f0", vector, space="another")])
    assert voices.search(spoken(vector), NOW) is None
    assert not voices.can_search(spoken(vector, space="another"))


def test_voices_of_two_bands_are_searched_in_each(random: np.random.Generator) -> None:
    vector = a_voice(random)
    both = spoken(vector, 10.0, Channel.WIDEBAND, Channel.NARROWBAND)
    voice = KnownVoice(("known", "f0"), (Voiceprint.of([both]),), LATER)
    voices = KnownVoices().changed(2, [voice, known("f1", a_voice(random))])
    for channel in Channel:
        match = voices.search(spoken(vector, 10.0, channel), NOW)
        assert match
        assert match.name == ("known", "f0")


def test_everybody_else_of_a_voice_is_named_at_registration(random: np.random.Generator) -> None:
    vector = a_voice(random)
    voices = KnownVoices().changed(3, [known("f0", vector), known("f1", vector), known("f2", a_voice(random))])
    assert voices.alike(spoken(vector), NOW, ("known", "f0")) == [("known", "f1")]
