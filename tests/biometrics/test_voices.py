"""Another voice is found by comparing the parts of speech with each other."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from bonafide.biometrics.decision import Reason
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, Quality
from bonafide.biometrics.presentation.dominance import dominant_share, with_dominant_share
from bonafide.biometrics.presentation.voices import (
    LEAST_VOICE_SECONDS,
    TURN_COSTS,
    SpeechParts,
    bounds_of,
    in_turns,
    voice_alerts,
    without_overlaps,
)

DIMENSION = 192
BOTH = (Reason.VOICE_CHANGED, Reason.SEVERAL_VOICES)


def spoken(voice: str, number: int, noise: float = 0.4) -> FloatVector:
    """A part of one of several voices, which have nothing in common, with noise of its own."""
    mean = np.eye(DIMENSION)["abc".index(voice)]
    own = np.random.default_rng(number).standard_normal(DIMENSION)
    vector = mean + noise * own / np.linalg.norm(own)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def chunks(voices: str, seconds: float = 2.0, channel: Channel = Channel.WIDEBAND) -> list[Evidence]:
    vectors = [{channel: spoken(voice, number)} for number, voice in enumerate(voices)]
    return [Evidence(seconds, channel, each, Quality(-20.0, 0.0, None), "space") for each in vectors]


def recording(voices: str, channel: Channel = Channel.WIDEBAND) -> list[Evidence]:
    parts = np.stack([spoken(voice, number) for number, voice in enumerate(voices)]).astype(np.float16)
    whole = {channel: spoken("a", 99)}
    return [Evidence(2.0 * len(voices), channel, whole, Quality(-20.0, 0.0, None), "space", parts=parts)]


@pytest.mark.parametrize("heard", [chunks, recording])
@pytest.mark.parametrize(
    ("voices", "expected"),
    [
        ("a", ()),
        ("aaaaaaaaaaaa", ()),
        ("aaaaaabbb", BOTH),
        ("bbbaaaaaaaaaaaaaaaaaaaaaaaaaa", BOTH),
        ("abaabaaabaaa", (Reason.SEVERAL_VOICES,)),
        ("bacabacabaca", (Reason.SEVERAL_VOICES,)),
    ],
)
def test_voices_are_told_apart(heard: object, voices: str, expected: Sequence[Reason]) -> None:
    assert voice_alerts(heard(voices), Channel.WIDEBAND) == expected  # type: ignore[operator]


@pytest.mark.parametrize("heard", [chunks, recording])
@pytest.mark.parametrize(
    ("voices", "share"),
    [("a", 1.0), ("a" * 12, 1.0), ("a" * 9 + "b", 0.9), ("b" * 8 + "aa", 0.8), ("abaabaaabaaa", 0.75), ("aabb", 0.5)],
)
def test_the_dominant_voices_share_is_that_of_the_speech(heard: object, voices: str, share: float) -> None:
    pieces = heard(voices)  # type: ignore[operator]
    told = with_dominant_share(pieces[0], pieces, Channel.WIDEBAND).quality
    assert told.dominant_share == pytest.approx(share)
    assert (told.level_dbfs, told.snr_db) == (-20.0, None)


def test_a_word_of_somebody_else_is_not_counted() -> None:
    parts = SpeechParts(np.stack([spoken(voice, n) for n, voice in enumerate("aaaaaaaab")]), np.full(9, 0.9))
    assert dominant_share(parts, bounds_of(recording("aa"))[Channel.WIDEBAND]) == 1.0


def test_short_chunks_are_heard_together() -> None:
    assert voice_alerts(chunks("a" * 40 + "b" * 20, seconds=0.3), Channel.WIDEBAND) == BOTH
    assert voice_alerts(chunks("a" * 60, seconds=0.3), Channel.WIDEBAND) == ()


def test_sides_change_where_that_is_worth_more_than_a_turn_costs() -> None:
    """Compared with every way to take turns there is."""
    sides = np.array(list(product([False, True], repeat=9)))
    turns = np.count_nonzero(np.diff(sides, axis=1), axis=1)
    for seed in range(20):
        gains = np.random.default_rng(seed).normal(0.0, TURN_COSTS, 9)
        worth = np.where(sides, gains, 0.0).sum(axis=1) - TURN_COSTS * turns
        assert np.array_equal(in_turns(gains), sides[int(np.argmax(worth))])


def test_what_is_kept_with_a_chunk_does_not_overlap() -> None:
    (heard,) = recording("abcabca")
    kept = without_overlaps(heard).parts
    assert heard.parts is not None
    assert kept is not None
    assert np.array_equal(kept, heard.parts[[0, 2, 4, 6]])
    assert without_overlaps(chunks("a")[0]).parts is None


def test_voices_over_the_telephone_have_to_be_less_alike_if_chunks_are_long() -> None:
    half, whole = (bounds_of(chunks("aa", seconds, Channel.NARROWBAND)) for seconds in (0.5, 1.0))
    assert half[Channel.NARROWBAND].moment > whole[Channel.NARROWBAND].moment
    assert half[Channel.WIDEBAND] == whole[Channel.WIDEBAND]


def test_too_little_of_another_voice_is_not_judged() -> None:
    half = LEAST_VOICE_SECONDS / 2
    assert voice_alerts(chunks("aaaaaaaab", half), Channel.WIDEBAND) == ()
    assert voice_alerts(chunks("aaaaaaaabb", half), Channel.WIDEBAND) == BOTH


def test_parts_are_not_compared_in_another_band_than_their_own() -> None:
    (heard,) = recording("aaaabbbb")
    narrow = Evidence(16.0, Channel.WIDEBAND, {Channel.NARROWBAND: spoken("a", 1)}, heard.quality, "space")
    assert voice_alerts([heard], Channel.WIDEBAND) == BOTH
    assert voice_alerts([narrow, *chunks("aaaa", channel=Channel.NARROWBAND)], Channel.NARROWBAND) == ()
