"""A call is a set of evidence: neither its order nor what was said of it twice matters."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.session import (
    MOST_CHUNKS,
    MOST_SPEECH_SECONDS,
    ChunkEvidence,
    Mark,
    SessionEvidence,
    fold,
    is_complete,
    pool,
    survey,
)

SPACES = ("space-1", "space-2")


def chunk(
    number: int, seconds: float = 2.0, content: str = "a", space: str = "space-1", channel: Channel = Channel.NARROWBAND
) -> ChunkEvidence:
    draw = np.random.default_rng([number, ord(content[0]), SPACES.index(space)])
    vector = draw.standard_normal(16).astype(np.float32)
    vectors = {channel: vector / np.linalg.norm(vector)} if seconds else {}
    quality = Quality(-20.0 - number, draw.random(), draw.random() if number % 2 else None)
    liveness = float(draw.normal()) if seconds else None
    parts = draw.standard_normal((3, 16)).astype(np.float16) if seconds > 3 else None
    return ChunkEvidence(number, content, Evidence(seconds, channel, vectors, quality, space, liveness, parts=parts))


def bits(folded: SessionEvidence) -> tuple[object, ...]:
    vectors = folded.evidence.embeddings if folded.evidence else {}
    facts = (folded.used, folded.received, folded.conflicting, folded.other_space, folded.alerts)
    found = folded.evidence
    measured = found and (found.speech_seconds, found.channel, found.quality, found.liveness)
    return facts, measured, {band: vector.tobytes() for band, vector in vectors.items()}


ROWS = st.builds(
    chunk,
    st.integers(0, 6),
    st.sampled_from([0.0, 0.3, 1.7, 40.0]),
    st.sampled_from("abc"),
    st.sampled_from(SPACES),
    st.sampled_from(Channel),
)
SETS = st.lists(ROWS, max_size=12, unique_by=lambda row: (row.number, row.content, row.evidence.embedding_space))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(SETS, st.randoms(use_true_random=False), st.none() | st.integers(0, 7))
def test_equal_sets_give_equal_results_to_the_last_bit(
    rows: list[ChunkEvidence], chance: object, count: int | None
) -> None:
    shuffled = [*rows, *rows[::2]]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert bits(fold(shuffled, "space-1", count)) == bits(fold(rows, "space-1", count))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(SETS)
def test_evidence_of_another_space_changes_nothing_but_what_is_counted(rows: list[ChunkEvidence]) -> None:
    own = [row for row in rows if row.evidence.embedding_space == "space-1"]
    mixed, alone = fold(rows, "space-1"), fold(own, "space-1")
    assert bits(mixed)[1:] == bits(alone)[1:]
    assert mixed.used == alone.used
    assert mixed.other_space == len({row.number for row in rows} - {row.number for row in own})


def test_of_contents_under_one_number_the_smallest_digest_counts() -> None:
    rows = [chunk(0), chunk(1, content="c"), chunk(1, content="b")]
    for each in permutations(rows):
        assert bits(fold(each, "space-1"))[1:] == bits(fold([rows[0], rows[2]], "space-1"))[1:]
        assert fold(each, "space-1").conflicting == 1


def test_what_lies_beyond_the_end_does_not_count() -> None:
    assert bits(fold([chunk(0), chunk(1), chunk(2)], "space-1", 2)) == bits(fold([chunk(0), chunk(1)], "space-1"))


def test_a_long_call_is_judged_by_its_newest_speech() -> None:
    folded = fold([chunk(number, seconds=10.0) for number in range(360)], "space-1")
    assert folded.used == tuple(range(360 - round(MOST_SPEECH_SECONDS / 10), 360))
    assert folded.received == 360


def test_chunks_of_little_speech_do_not_widen_the_window() -> None:
    folded = fold([chunk(number, seconds=0.0 if number % 2 else 0.1) for number in range(1000)], "space-1")
    assert len([number for number in folded.used if number % 2 == 0]) == MOST_CHUNKS
    assert folded.used[-1] == 999


@settings(max_examples=300, deadline=None, derandomize=True)
@given(SETS, st.none() | st.integers(0, 7))
def test_the_evidence_outside_the_window_need_not_be_read(rows: list[ChunkEvidence], count: int | None) -> None:
    surveyed = survey(map(Mark.of, rows), "space-1", count)
    needed = {mark.tag for mark in surveyed.spoken}
    read = [row for row in rows if Mark.of(row).tag in needed]
    assert bits(pool(surveyed, read)) == bits(fold(rows, "space-1", count))
    assert len(read) <= len({row.number for row in rows})


def test_silence_is_no_evidence() -> None:
    assert fold([chunk(0, seconds=0.0)], "space-1").evidence is None
    assert fold([], "space-1") == SessionEvidence(None, (), (), 0, 0, 0)


@pytest.mark.parametrize(
    ("numbers", "count", "complete"),
    [([0, 1], 2, True), ([1], 2, False), ([0, 1, 5], 2, True), ([], 0, True), ([0, 1], None, False)],
)
def test_a_call_is_complete_when_every_chunk_up_to_its_end_is_there(
    numbers: list[int], count: int | None, complete: bool
) -> None:
    assert is_complete([Mark.of(chunk(number)) for number in numbers], count) is complete


def test_speech_weighs_by_its_length() -> None:
    long, short = chunk(0, seconds=9.0), chunk(1, seconds=1.0)
    pooled = fold([short, long], "space-1").evidence
    assert pooled is not None
    vector = pooled.embeddings[Channel.NARROWBAND]
    mean = 9 * long.evidence.embeddings[Channel.NARROWBAND] + short.evidence.embeddings[Channel.NARROWBAND]
    assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    assert pooled.speech_seconds == 10.0


def live(number: int, seconds: float, llr: float | None) -> ChunkEvidence:
    row = chunk(number, seconds)
    return replace(row, evidence=replace(row.evidence, liveness=llr))


def test_liveness_weighs_by_speech() -> None:
    evidence = fold([live(0, 3.0, 2.0), live(1, 1.0, -6.0)], "space-1").evidence
    assert evidence is not None
    assert evidence.liveness == pytest.approx(0.0)


def test_components_of_the_embedding_weigh_by_speech_and_chunks_without_them_do_not_count() -> None:
    rows = [(3.0, (0.2, -0.1)), (1.0, (-0.2, 0.3)), (2.0, ())]
    chunks = [chunk(number, seconds) for number, (seconds, _) in enumerate(rows)]
    measured = [
        replace(each, evidence=replace(each.evidence, embedding_directions=found))
        for each, (_, found) in zip(chunks, rows, strict=True)
    ]
    evidence = fold(measured, "space-1").evidence
    assert evidence is not None
    assert evidence.embedding_directions == pytest.approx((0.1, 0.0))


def test_a_session_that_two_bundles_with_other_directions_hear_is_judged_without_them() -> None:
    chunks = [
        replace(each, evidence=replace(each.evidence, embedding_directions=found))
        for each, found in zip([chunk(0, 3.0), chunk(1, 1.0)], [(0.2, -0.1), (0.1, 0.2, 0.3)], strict=True)
    ]
    evidence = fold(chunks, "space-1").evidence
    assert evidence is not None
    assert (evidence.speech_seconds, evidence.embedding_directions) == (4.0, ())


@pytest.mark.parametrize(("unheard", "expected"), [(0.4, 2.0), (0.8, None)])
def test_a_call_whose_liveness_was_hardly_listened_to_has_none(unheard: float, expected: float | None) -> None:
    evidence = fold([live(0, 4.0, 2.0), live(1, unheard, None)], "space-1").evidence
    assert evidence is not None
    assert evidence.liveness == expected


def test_seconds_count_only_for_the_voice_that_is_compared() -> None:
    victim = chunk(0, seconds=0.5, channel=Channel.WIDEBAND)
    attacker = [chunk(number, seconds=4.0) for number in range(1, 10)]
    evidence = fold([victim, *attacker], "space-1").evidence
    assert evidence is not None
    assert evidence.speech_seconds == 36.0
    assert set(evidence.embeddings) == {Channel.NARROWBAND}


def wideband(number: int, seconds: float = 4.0) -> ChunkEvidence:
    """A chunk that was embedded in both bands."""
    both, narrow = (chunk(number, seconds, channel=channel) for channel in (Channel.WIDEBAND, Channel.NARROWBAND))
    vectors = {**both.evidence.embeddings, **narrow.evidence.embeddings}
    return replace(both, evidence=replace(both.evidence, embeddings=vectors))


def test_a_narrowband_chunk_does_not_take_a_wideband_call_out_of_its_band() -> None:
    wide = [wideband(number) for number in range(9)]
    mixed = fold([*wide, chunk(9, seconds=4.0)], "space-1")
    assert mixed.evidence is not None
    assert bits(mixed)[1:] == bits(fold(wide, "space-1"))[1:]
    assert (mixed.evidence.channel, set(mixed.evidence.embeddings)) == (Channel.WIDEBAND, set(Channel))
    assert (mixed.used, mixed.received) == (tuple(range(9)), 10)


def test_nobody_hides_in_the_chunks_that_are_left_out() -> None:
    evidence = fold([*(wideband(number) for number in range(8)), *(chunk(8, 1.5), chunk(9, 1.5))], "space-1").evidence
    assert evidence is not None
    assert (evidence.speech_seconds, set(evidence.embeddings)) == (32.0, set(Channel))
    more = fold([*(wideband(number) for number in range(8)), *(chunk(8, 3.0), chunk(9, 3.0))], "space-1").evidence
    assert more is not None
    assert (more.speech_seconds, set(more.embeddings)) == (38.0, {Channel.NARROWBAND})


def test_the_channel_of_a_call_is_the_one_that_most_of_its_speech_came_in() -> None:
    for wide, channel in ((6, Channel.WIDEBAND), (4, Channel.NARROWBAND)):
        rows = [wideband(number) if number < wide else chunk(number, 4.0) for number in range(10)]
        evidence = fold(rows, "space-1").evidence
        assert evidence is not None
        assert (evidence.channel, set(evidence.embeddings)) == (channel, {Channel.NARROWBAND})
