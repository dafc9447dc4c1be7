"""The comparisons behind the calibration of a domain: enrollments against calls, through the code that serves."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.scoring import Calibration, Comparison, Condition, attenuation, compare
from bonafide.biometrics.voiceprint import Voiceprint
from training.calibration.domain.fit import DomainTrials
from training.evaluation.batch import EvidenceBatch, kind


class RecordingRole(StrEnum):
    """Uses of a recording of a domain."""

    ENROLLMENT = "enrollment"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class DomainRecording:
    """A recording of a domain.

    Attributes:
        speaker: who speaks.
        evidence: as served.
        role: None for a recording that enrolls and is tested, though never with itself.
    """

    speaker: str
    evidence: Evidence
    role: RecordingRole | None = None


@dataclass(frozen=True, slots=True)
class _Enrolled:
    """A voiceprint, and the recordings that it is compared with."""

    speaker: str
    voiceprint: Voiceprint
    tests: Sequence[int]


def trials(recordings: Sequence[DomainRecording], base: Calibration) -> Mapping[Condition, DomainTrials]:
    """Compares every enrollment with every call; conditions with both kinds of comparisons only.

    Recordings of the role `enrollment` make one voiceprint for each speaker, as in the service. Without roles each
    recording enrolls by itself, and is compared with all recordings after it: never the same two twice.
    """
    numbers = {name: index for index, name in enumerate(sorted({each.speaker for each in recordings}))}
    parts: dict[Condition, list[DomainTrials]] = defaultdict(list)
    for enrolled in _enrollments(recordings):
        for places, batch in _batches(recordings, enrolled.tests):
            found = compare(enrolled.voiceprint, batch)
            tested = np.array([numbers[recordings[place].speaker] for place in places], np.intp)
            parts[found.condition].append(_part(found, base, numbers[enrolled.speaker], tested))
    joined = {condition: _joined(each) for condition, each in sorted(parts.items())}
    return {condition: each for condition, each in joined.items() if each.complete}


def _enrollments(recordings: Sequence[DomainRecording]) -> Iterator[_Enrolled]:
    calls = [index for index, each in enumerate(recordings) if each.role is RecordingRole.CALL]
    own: dict[str, list[Evidence]] = defaultdict(list)
    for index, each in enumerate(recordings):
        if each.role is RecordingRole.ENROLLMENT:
            own[each.speaker].append(each.evidence)
        elif each.role is None:
            yield _Enrolled(each.speaker, Voiceprint.of([each.evidence]), range(index + 1, len(recordings)))
    for speaker, evidence in own.items():
        yield _Enrolled(speaker, Voiceprint.of(evidence), calls)


def _batches(
    recordings: Sequence[DomainRecording], places: Sequence[int]
) -> Iterator[tuple[Sequence[int], EvidenceBatch]]:
    by_kind: dict[object, list[int]] = defaultdict(list)
    for place in places:
        by_kind[kind(recordings[place].evidence)].append(place)
    for each in by_kind.values():
        yield each, EvidenceBatch.of([recordings[place].evidence for place in each])


def _part(found: Comparison, base: Calibration, enrolled: int, tested: np.ndarray) -> DomainTrials:
    curve, least = base.curves[found.condition], base.measured.seconds
    seconds = np.maximum(found.tested_seconds, least)
    shrinking = attenuation(max(found.enrolled_seconds, least), seconds, curve.half_seconds)
    return DomainTrials(
        llr=np.asarray(curve.slope * (found.cosine - curve.level * shrinking), np.float64),
        attenuation=np.asarray(shrinking, np.float64),
        targets=tested == enrolled,
        enrolled=np.full(len(tested), enrolled, np.intp),
        tested=tested,
    )


def _joined(parts: Sequence[DomainTrials]) -> DomainTrials:
    names = DomainTrials.__slots__
    return DomainTrials(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
