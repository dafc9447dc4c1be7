"""Sessions while a bundle of another embedding space is released, rolled back and released again."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.contracts.events import parse
from bonafide.contracts.sessions import ClaimRequest
from bonafide.records.speaker import SpeakerRecord
from tests.services.parts import MORNING
from tests.streamed import DOMAIN, Deployment, Remembering, Script, bundle, voiceprint

GENUINE = Script("genuine", "grace", "grace")
OLD, NEW = bundle().embedding_space, "newer-space"
RELEASES = {"before": Remembering(), "after": Remembering(NEW, "e" * 64, former=[OLD])}
CONSUMERS = st.lists(st.sampled_from(sorted(RELEASES)), min_size=4, max_size=4)


def deployment(release: str, *, migrated: bool) -> Deployment:
    """Somebody who is enrolled in the old space, and in the new one if migrated, begins a call."""
    line = Deployment(RELEASES[release])
    old = voiceprint("grace")
    newer = (replace(old, embedding_space=NEW),) if migrated else ()
    record = SpeakerRecord(DOMAIN, "grace", SpeakerStatus.ENROLLED, MORNING, MORNING, version=1)
    line.write(replace(record, voiceprint=old, newer=newer))
    line.start(GENUINE)
    return line


def hear(line: Deployment, deliveries: Sequence[tuple[int, str]], decided_by: str) -> dict[str, Any]:
    """Scores chunks by one release or the other, then decides."""
    for number, release in deliveries:
        line.models = RELEASES[release]
        line.scoring.handle(parse(GENUINE.chunk(number)), line.now)
    line.models = RELEASES[decided_by]
    line.take(GENUINE.end)
    return line.final("genuine")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    CONSUMERS,
    st.permutations(range(4)),
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(sorted(RELEASES)))),
    st.tuples(st.sampled_from(sorted(RELEASES)), st.sampled_from(sorted(RELEASES)), st.booleans()),
)
def test_whichever_release_scores_which_chunk_the_whole_session_counts(
    releases: list[str], places: list[int], again: list[tuple[int, str]], course: tuple[str, str, bool]
) -> None:
    begun_by, decided_by, migrated = course
    deliveries = [*((place, releases[place]) for place in places), *again]
    final = hear(deployment(begun_by, migrated=migrated), deliveries, decided_by)
    assert (final["decision"], final["degraded"], final["chunks"]["used"]) == ("ACCEPT", [], 4)


@pytest.mark.parametrize(
    ("releases", "space"), [(["after"] * 4, NEW), (["before", "after", "after", "after"], OLD), (["before"] * 4, OLD)]
)
def test_a_session_is_judged_in_the_newest_space_that_covers_it(releases: list[str], space: str) -> None:
    final = hear(deployment("after", migrated=True), list(enumerate(releases)), "after")
    assert final["facts"]["comparison"]["embedding_space"] == space


@pytest.mark.parametrize(("migrated", "spaces"), [(False, {OLD}), (True, {OLD, NEW})])
def test_a_chunk_is_embedded_in_the_spaces_that_the_claimed_speaker_has(migrated: bool, spaces: set[str]) -> None:
    line = deployment("after", migrated=migrated)
    line.take(GENUINE.chunk(0))
    assert {row.chunk.evidence.embedding_space for row in line.rows("genuine")} == spaces


def test_without_a_claim_or_after_another_a_chunk_is_embedded_in_every_space() -> None:
    line = deployment("after", migrated=False)
    line.enroll("grace", "other")
    line.calls.claim(DOMAIN, "genuine", ClaimRequest(speaker="other"))
    line.take(GENUINE.chunk(0))
    assert {row.chunk.evidence.embedding_space for row in line.rows("genuine")} == {OLD, NEW}
