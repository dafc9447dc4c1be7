"""How far a domain has moved, from what lists of speakers show."""

from collections.abc import Mapping
from datetime import UTC, datetime

from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.policy import Policy
from bonafide.records.speaker import SpeakerSummary
from ops.migration.progress import SpaceCount

AT = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = Policy(minimum_enrolment_seconds=20)


def speaker(speech: float, spaces: Mapping[str, float]) -> SpeakerSummary:
    return SpeakerSummary("acme", "ann", SpeakerStatus.ENROLLED, AT, AT, speech, (), None, None, spaces)


def test_speakers_count_by_the_space_that_answers_for_them() -> None:
    listed = [
        speaker(30, {"old": 30, "new": 25}),
        speaker(30, {"new": 30}),
        speaker(12, {"old": 12, "new": 12}),
        speaker(30, {"old": 30, "new": 8}),
        speaker(30, {"old": 30}),
        speaker(30, {}),
        speaker(0, {}),
    ]
    assert SpaceCount.of(listed, "new", POLICY) == SpaceCount("new", complete=3, begun=1, beside=2, former=2)


def test_the_share_is_shown_as_a_bar() -> None:
    shown = str(SpaceCount("new", complete=3, begun=1, beside=2, former=2))
    assert shown.startswith("[####################                    ] 50.0% of 6")
    assert str(SpaceCount("new", 0, 0, 0, 0)).startswith("[" + "#" * 40 + "] 100.0% of 0")
