"""Trials: who is enrolled from what, tested with what, and how each comparison came out."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonafide.biometrics.decision import Decision, decide
from bonafide.biometrics.evidence import Evidence, FloatVector
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration, Condition, score
from bonafide.biometrics.voiceprint import Voiceprint
from training.listen import Heard, Line, progress
from training.manifest import Clip

# By condition: the line of the enrolment, the line of the test.
CONDITIONS = {
    "native": (Line.NATIVE, Line.NATIVE),
    "telephone": (Line.TELEPHONE, Line.TELEPHONE),
    "cross": (Line.NATIVE, Line.TELEPHONE),
}


@dataclass(frozen=True, slots=True)
class Recording:
    """A usable recording as both sides of a trial see it.

    Attributes:
        speaker: who speaks.
        session: empty when unknown.
        enrolment: evidence on the line of the enrolment.
        test: evidence on the line of the test.
        plain_enrolment: plain embedding on the line of the enrolment.
        plain_test: plain embedding on the line of the test.
    """

    speaker: str
    session: str
    enrolment: Evidence
    test: Evidence
    plain_enrolment: FloatVector
    plain_test: FloatVector

    @classmethod
    def of(cls, clip: Clip, heard: Heard, enrolment: Line, test: Line) -> "Recording":
        """Pairs a row of the manifest with what was heard."""
        evidence, plain = heard.evidence, heard.plain
        return cls(clip.speaker, clip.session, evidence[enrolment], evidence[test], plain[enrolment], plain[test])


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A voiceprint and which recordings it must not be tested with.

    Attributes:
        speaker: whose it is.
        sessions: that its recordings come from.
        voiceprint: made as in the service.
        plain: mean of the plain embeddings, unit length.
        tests: indices of the recordings that it is tested with.
    """

    speaker: str
    sessions: frozenset[str]
    voiceprint: Voiceprint
    plain: FloatVector
    tests: Sequence[int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Trials by columns, shape (trials,) each.

    Attributes:
        llr: as served.
        plain: cosines of the plain embeddings.
        targets: whether one speaker is on both sides.
        same_session: whether the test comes from a session of the enrolment; False when sessions are unknown.
        enrolled: index of the enrolled speaker.
        tested: index of the speaker of the test.
        decisions: under the policy.
        conditions: of the comparisons.
    """

    llr: NDArray[np.float64]
    plain: NDArray[np.float64]
    targets: NDArray[np.bool_]
    same_session: NDArray[np.bool_]
    enrolled: NDArray[np.intp]
    tested: NDArray[np.intp]
    decisions: list[Decision]
    conditions: list[Condition]

    @property
    def complete(self) -> bool:
        """Whether both kinds of trials occur."""
        return bool(self.targets.any() and not self.targets.all())


def enrolments(recordings: Sequence[Recording], size: int) -> list[Enrolment]:
    """Every pair once for one recording; else every run of `size` recordings of a speaker against all others."""
    if size == 1:
        return [_enrol(recordings, [index], range(index + 1, len(recordings))) for index in range(len(recordings) - 1)]
    by_speaker: dict[str, list[int]] = defaultdict(list)
    for index, recording in enumerate(recordings):
        by_speaker[recording.speaker].append(index)
    rings = [each for each in by_speaker.values() if len(each) >= size]
    return [
        _enrol(recordings, chosen, [index for index in range(len(recordings)) if index not in chosen])
        for ring in rings
        for chosen in _runs(ring, size)
    ]


def compare(
    enrolments: Sequence[Enrolment], recordings: Sequence[Recording], calibration: Calibration, policy: Policy
) -> Outcome:
    """Scores and decides every trial."""
    pairs = [(each, recordings[index]) for each in enrolments for index in each.tests]
    scores, decisions = [], []
    for enrolment, test in progress("comparing", pairs, len(pairs)):
        scores.append(score(enrolment.voiceprint, test.test, calibration))
        decisions.append(decide(scores[-1], test.test, policy).decision)
    index = {speaker: number for number, speaker in enumerate(sorted({each.speaker for each in recordings}))}
    return Outcome(
        llr=np.array([each.llr for each in scores]),
        plain=np.array([float(enrolment.plain @ test.plain_test) for enrolment, test in pairs]),
        targets=np.array([enrolment.speaker == test.speaker for enrolment, test in pairs], bool),
        same_session=np.array([test.session in enrolment.sessions for enrolment, test in pairs], bool),
        enrolled=np.array([index[enrolment.speaker] for enrolment, _ in pairs], np.intp),
        tested=np.array([index[test.speaker] for _, test in pairs], np.intp),
        decisions=decisions,
        conditions=[each.condition for each in scores],
    )


def _runs(ring: Sequence[int], size: int) -> list[list[int]]:
    """Each run of `size` neighbours in a ring; one when it holds no more."""
    starts = range(len(ring)) if len(ring) > size else range(1)
    return [[ring[(start + step) % len(ring)] for step in range(size)] for start in starts]


def _enrol(recordings: Sequence[Recording], chosen: Sequence[int], tests: Sequence[int]) -> Enrolment:
    parts = [recordings[index] for index in chosen]
    voiceprint = Voiceprint.empty(parts[0].enrolment.embedding_space)
    for part in parts:
        voiceprint = voiceprint.add(part.enrolment)
    total = np.sum([part.plain_enrolment for part in parts], axis=0)
    sessions = frozenset(part.session for part in parts if part.session)
    plain = np.asarray(total / np.linalg.norm(total), np.float32)
    return Enrolment(parts[0].speaker, sessions, voiceprint, plain, tests)
