"""Trials: enrollments, the recordings that they are tested with, and the outcome of each comparison."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bonafide.biometrics.decision import LARGEST_LLR, Decision, decide
from bonafide.biometrics.evidence import Evidence, FloatVector
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration, Condition, SpeakerScore
from bonafide.biometrics.voiceprint import Voiceprint
from training.corpus.manifest import Clip
from training.evaluation.batch import EvidenceBatch, kind, llrs, score
from training.evaluation.evidence import LineKind, RecordingEvidence
from training.evaluation.metrics import Flags, Floats, Indices
from training.parallel import progress

# By condition: the line of the enrollment, the line of the test.
CONDITIONS = {
    "native": (LineKind.NATIVE, LineKind.NATIVE),
    "telephone": (LineKind.TELEPHONE, LineKind.TELEPHONE),
    "cross": (LineKind.NATIVE, LineKind.TELEPHONE),
}
# As columns name them, by index. Of two decisions on one call a higher LLR never leads to the earlier one.
DECISIONS = (Decision.REJECT, Decision.STEP_UP, Decision.ACCEPT, Decision.INCONCLUSIVE)
COMPARED = tuple(Condition)

type Codes = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class TrialRecording:
    """A usable recording, as either side of a trial.

    Attributes:
        speaker: who speaks.
        session: empty when unknown.
        enrollment: evidence on the line of the enrollment.
        test: evidence on the line of the test.
        plain_enrollment: plain embedding on the line of the enrollment.
        plain_test: plain embedding on the line of the test.
    """

    speaker: str
    session: str
    enrollment: Evidence
    test: Evidence
    plain_enrollment: FloatVector
    plain_test: FloatVector

    @classmethod
    def of(cls, clip: Clip, found: RecordingEvidence, enrollment: LineKind, test: LineKind) -> "TrialRecording":
        """Pairs a row of a manifest with its evidence."""
        evidence, plain = found.evidence, found.plain
        return cls(clip.speaker, clip.session, evidence[enrollment], evidence[test], plain[enrollment], plain[test])


@dataclass(frozen=True, slots=True)
class TrialEnrollment:
    """A voiceprint with the recordings that it is tested with.

    Attributes:
        speaker: whose it is.
        sessions: that its recordings come from.
        voiceprint: made as in the service.
        plain: mean of the plain embeddings, unit length.
        tests: indices of the recordings that it is tested with, shape (tests,).
    """

    speaker: str
    sessions: frozenset[str]
    voiceprint: Voiceprint
    plain: FloatVector
    tests: Indices


@dataclass(frozen=True, slots=True)
class TrialOutcomes:
    """Trials by columns, shape (trials,) each.

    Attributes:
        llr: as served.
        plain: cosines of the plain embeddings.
        targets: whether one speaker is on both sides.
        same_session: whether the test comes from a session of the enrollment; False when sessions are unknown.
        enrolled: index of the enrolled speaker.
        tested: index of the speaker of the test.
        decisions: under the policy, as indices into DECISIONS.
        conditions: of the comparisons, as indices into COMPARED.
    """

    llr: Floats
    plain: Floats
    targets: Flags
    same_session: Flags
    enrolled: Indices
    tested: Indices
    decisions: Codes
    conditions: Codes

    @property
    def complete(self) -> bool:
        """Tells whether both kinds of trials occur."""
        return bool(self.targets.any() and not self.targets.all())

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Joins parts, one after the other."""
        return cls(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)))

    def at(self, chosen: Indices) -> "TrialOutcomes":
        """Picks some of the trials."""
        return TrialOutcomes(*(getattr(self, each.name)[chosen] for each in fields(self)))


@dataclass(frozen=True, slots=True)
class StackedRecordings:
    """Test recordings, stacked so that a voiceprint is compared with all of them at once; make it by `of`.

    Attributes:
        batches: evidence by its kind, each with the places of its recordings among all.
        plain: plain embeddings, shape (n, dim).
        numbers: index of each speaker.
        speakers: who speaks, by index, shape (n,).
        sessions: of each; empty when unknown.
        thresholds: the least LLR at which each decision but the first of DECISIONS is taken, shape (n, decisions - 1).
    """

    batches: Sequence[tuple[Indices, EvidenceBatch]]
    plain: NDArray[np.float32]
    numbers: Mapping[str, int]
    speakers: Indices
    sessions: Sequence[str]
    thresholds: Floats

    @classmethod
    def of(cls, recordings: Sequence[TrialRecording], thresholds: Floats) -> Self:
        """Stacks at least one."""
        by_kind = defaultdict(list)
        for place, each in enumerate(recordings):
            by_kind[kind(each.test)].append(place)
        numbers = {speaker: number for number, speaker in enumerate(sorted({each.speaker for each in recordings}))}
        return cls(
            batches=[
                (np.array(each), EvidenceBatch.of([recordings[place].test for place in each]))
                for each in by_kind.values()
            ],
            plain=np.stack([each.plain_test for each in recordings]),
            numbers=numbers,
            speakers=np.array([numbers[each.speaker] for each in recordings], np.intp),
            sessions=[each.session for each in recordings],
            thresholds=thresholds,
        )

    def compared(self, enrollment: TrialEnrollment, calibration: Calibration) -> TrialOutcomes:
        """Scores and decides every trial of an enrollment."""
        llr, conditions = self._scored(enrollment.voiceprint, calibration)
        enrolled = np.full(len(llr), self.numbers[enrollment.speaker], np.intp)
        everything = TrialOutcomes(
            llr=llr,
            plain=(self.plain @ enrollment.plain).astype(np.float64),
            targets=self.speakers == enrolled,
            same_session=np.array([each in enrollment.sessions for each in self.sessions], np.bool_),
            enrolled=enrolled,
            tested=self.speakers,
            decisions=(llr[:, None] >= self.thresholds).sum(1, np.int8),
            conditions=conditions,
        )
        return everything.at(enrollment.tests)

    def _scored(self, voiceprint: Voiceprint, calibration: Calibration) -> tuple[Floats, Codes]:
        """Returns LLRs as served, and conditions as indices into COMPARED, shape (n,) each."""
        llr, conditions = np.empty(len(self.speakers)), np.empty(len(self.speakers), np.int8)
        for places, batch in self.batches:
            condition, llr[places] = llrs(voiceprint, batch, calibration)
            conditions[places] = COMPARED.index(condition)
        return llr, conditions


def enrollments(recordings: Sequence[TrialRecording], size: int) -> list[TrialEnrollment]:
    """Enrolls each recording for every later recording, or `size` recordings of a speaker at a time for all others."""
    everything = np.arange(len(recordings))
    if size == 1:
        return [_enroll(recordings, [index], everything[index + 1 :]) for index in everything[:-1]]
    by_speaker: dict[str, list[int]] = defaultdict(list)
    for index, recording in enumerate(recordings):
        by_speaker[recording.speaker].append(index)
    rings = [each for each in by_speaker.values() if len(each) >= size]
    return [
        _enroll(recordings, chosen, np.delete(everything, chosen)) for ring in rings for chosen in _runs(ring, size)
    ]


def compare(
    enrollments: Sequence[TrialEnrollment],
    recordings: Sequence[TrialRecording],
    calibration: Calibration,
    policy: Policy,
) -> TrialOutcomes:
    """Scores and decides every trial, of at least one enrollment."""
    stacked = StackedRecordings.of(recordings, thresholds(enrollments[0], recordings, calibration, policy))
    return TrialOutcomes.joined(
        [stacked.compared(each, calibration) for each in progress("comparing", enrollments, len(enrollments))]
    )


def thresholds(
    enrollment: TrialEnrollment, recordings: Sequence[TrialRecording], calibration: Calibration, policy: Policy
) -> Floats:
    """Returns the least LLR, to its last bit, of each decision but the first, shape (n, decisions - 1).

    Which enrollment does not matter: of a score `decide` looks only at the LLR and the calibration.
    """
    tests = [each.test for each in recordings]
    deciders = [_decider(score(enrollment.voiceprint, each, calibration), each, policy) for each in tests]
    return np.array([[_threshold(each, number) for number in range(1, len(DECISIONS))] for each in deciders])


def _runs(ring: Sequence[int], size: int) -> list[list[int]]:
    """Returns each run of `size` neighbors in a ring; one when it holds no more."""
    starts = range(len(ring)) if len(ring) > size else range(1)
    return [[ring[(start + step) % len(ring)] for step in range(size)] for start in starts]


def _enroll(recordings: Sequence[TrialRecording], chosen: Sequence[int], tests: Indices) -> TrialEnrollment:
    parts = [recordings[index] for index in chosen]
    voiceprint = Voiceprint.of([part.enrollment for part in parts])
    total = np.sum([part.plain_enrollment for part in parts], axis=0)
    sessions = frozenset(part.session for part in parts if part.session)
    plain = np.asarray(total / np.linalg.norm(total), np.float32)
    return TrialEnrollment(parts[0].speaker, sessions, voiceprint, plain, tests)


def _decider(known: SpeakerScore, evidence: Evidence, policy: Policy) -> Callable[[float], int]:
    """Returns the decision on a recording by the LLR, as an index into DECISIONS."""
    return lambda llr: DECISIONS.index(decide(replace(known, llr=llr), evidence, policy).decision)


def _threshold(decided: Callable[[float], int], number: int) -> float:
    """Returns the least LLR that leads to a decision or to a later one; infinite when none does."""
    low, high = -LARGEST_LLR, LARGEST_LLR
    if decided(high) < number:
        return np.inf
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if decided(middle) < number else (low, middle)
    return high
