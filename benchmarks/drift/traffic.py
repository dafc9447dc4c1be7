"""Calls that are simulated from recordings: each speaker enrolls with one recording and calls with the others."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.drift.material import ShiftedEvidence
from bonafide.biometrics.case import Case
from bonafide.biometrics.drift import DriftSignal, ObservedCall, observed_values
from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration
from bonafide.biometrics.voiceprint import Voiceprint

# Of one speaker in a window.
MOST_CALLS = 5
# What tells a machine from the person whose voice it has.
OF_MACHINES = (DriftSignal.LIVENESS_LLR, DriftSignal.EMBEDDING_NORM)
PLAIN = ""


@dataclass(frozen=True, slots=True)
class RecordedCaller:
    """A speaker with the calls that there are recordings for.

    Attributes:
        speaker: identifier.
        language: as the manifest says; empty when it does not.
        calls: by the name of the shift, PLAIN for none; in the same order each.
    """

    speaker: str
    language: str
    calls: Mapping[str, Sequence[ObservedCall]]

    def usually(self, kind: str) -> "RecordedCaller":
        """Takes the calls of a shift for those without one."""
        others = {name: calls for name, calls in self.calls.items() if name not in {PLAIN, kind}}
        return replace(self, calls={PLAIN: self.calls[kind], **others})


def callers(material: Iterable[ShiftedEvidence], calibration: Calibration, bundle: str) -> list[RecordedCaller]:
    """Makes callers; one with a single recording calls without being enrolled, so that nothing is compared."""
    by_speaker: dict[str, list[ShiftedEvidence]] = defaultdict(list)
    for each in material:
        by_speaker[each.clip.speaker].append(each)
    made = [_caller(speaker, found, calibration, bundle) for speaker, found in sorted(by_speaker.items())]
    # Who has nothing but the recording to enroll with does not call.
    kinds = {kind for each in made for kind in each.calls}
    return [each for each in made if each.calls[PLAIN] and each.calls.keys() == kinds]


def _caller(speaker: str, found: Sequence[ShiftedEvidence], calibration: Calibration, bundle: str) -> RecordedCaller:
    first = found[0].plain
    enrolled = len(found) > 1 and bool(first.embeddings)
    voiceprint = Voiceprint.empty(first.embedding_space).add(first) if enrolled else None
    tests = [each for each in (found[1:] if enrolled else found) if each.plain.embeddings]
    kinds = {PLAIN, *(name for each in found for name in each.shifted)}
    evidence = {kind: [each.shifted[kind] if kind else each.plain for each in tests] for kind in kinds}
    calls = {
        kind: [_call(speaker, each, voiceprint, calibration, bundle) for each in of] for kind, of in evidence.items()
    }
    return RecordedCaller(speaker, found[0].clip.row.get("language") or "", calls)


def _call(
    speaker: str, evidence: Evidence, voiceprint: Voiceprint | None, calibration: Calibration, bundle: str
) -> ObservedCall:
    case = Case.of(evidence, voiceprint)
    return ObservedCall(speaker, bundle, observed_values(case, judge(case, Policy(), calibration)))


def window(
    found: Sequence[RecordedCaller], size: int, generator: np.random.Generator, kind: str = PLAIN
) -> list[ObservedCall]:
    """Draws speakers, and takes their calls: a window is of correlated recordings, as in production."""
    chosen = generator.choice(len(found), size=min(size, len(found)), replace=False)
    return [call for index in chosen for call in found[index].calls[kind][:MOST_CALLS]]


def with_spoofs(
    calls: Sequence[ObservedCall], spoofs: Sequence[ObservedCall], share: float, generator: np.random.Generator
) -> list[ObservedCall]:
    """Replaces a share of the callers by machines with their voice on their line: only what models find is changed."""
    speakers = sorted({each.speaker for each in calls})
    replaced = set(generator.choice(speakers, size=round(share * len(speakers)), replace=False).tolist())
    return [_spoofed(each, spoofs, generator) if each.speaker in replaced else each for each in calls]


def _spoofed(call: ObservedCall, spoofs: Sequence[ObservedCall], generator: np.random.Generator) -> ObservedCall:
    machine = spoofs[int(generator.integers(len(spoofs)))].values
    voice = {signal: machine[signal] for signal in OF_MACHINES if signal in machine}
    return ObservedCall(call.speaker, call.bundle, {**call.values, **voice})


def with_language(
    calls: Sequence[ObservedCall], leaving: Sequence[RecordedCaller], newcomers: Sequence[RecordedCaller]
) -> list[ObservedCall]:
    """Replaces the callers of one language by speakers of another one, as far as these go round."""
    gone = {each.speaker for each in leaving}
    there = [each for each in calls if each.speaker not in gone]
    places = len({each.speaker for each in calls}) - len({each.speaker for each in there})
    return there + [call for each in newcomers[:places] for call in each.calls[PLAIN][:MOST_CALLS]]
