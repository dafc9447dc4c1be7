"""Decisions of two bundles on the same calls: the golden recordings, and readers who call as each other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bonafide.biometrics.decision import Decision, decide
from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration, compare
from bonafide.biometrics.voiceprint import Voiceprint
from training.corpus.manifest import Clip
from training.evaluation.evidence import LineKind, RecordingEvidence
from training.evaluation.spoof import SPOOF

# Of the golden recordings, what each may lead to.
GOLDEN: Mapping[str, Sequence[Decision]] = {
    "genuine": [Decision.ACCEPT],
    "impostor": [Decision.REJECT, Decision.STEP_UP],
    "silence": [Decision.INCONCLUSIVE],
}
ENROLLMENT = "enrollment"
OWN, OTHER, COPY = "own", "other", "copy"
# The share of a speaker's recordings that enroll; the others call.
ENROLLED = 0.5
# Changed decisions that are listed, so that somebody can listen to them.
MOST_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class ReaderCall:
    """A recording that calls as an enrolled speaker.

    Attributes:
        kind: own, other or copy.
        claimed: the speaker.
        index: of the recording.
    """

    kind: str
    claimed: str
    index: int


def golden_paths(folder: Path) -> dict[str, Path]:
    """Returns the golden recordings by name."""
    return {name: folder / f"{name}.wav" for name in (ENROLLMENT, *GOLDEN)}


def golden_decisions(
    evidence: Sequence[Mapping[str, RecordingEvidence]], calibrations: Sequence[Calibration]
) -> list[Mapping[str, Any]]:
    """Decides on the golden recordings, by bundle, under the policy of a new domain."""
    names = ("candidate", "champion")
    decided = []
    for found, calibration in zip(evidence, calibrations, strict=True):
        heard = {name: each.evidence[LineKind.NATIVE] for name, each in found.items()}
        enrolled = Voiceprint.of([heard[ENROLLMENT]])
        decided.append({name: _decision(enrolled, heard[name], calibration) for name in GOLDEN})
    return [
        {"name": name, "expected": list(expected)}
        | {side: each[name] for side, each in zip(names, decided, strict=False)}
        for name, expected in GOLDEN.items()
    ]


def changes(
    clips: Sequence[Clip], evidence: Sequence[Sequence[RecordingEvidence]], calibrations: Sequence[Calibration]
) -> Mapping[str, Any]:
    """Decides on calls of speakers, of others and of copies, and says what two bundles decide otherwise."""
    enrolling, callers = _callers(clips)
    decided = []
    for found, calibration in zip(evidence, calibrations, strict=True):
        heard = [each.evidence[LineKind.NATIVE] for each in found]
        voiceprints = {name: Voiceprint.of([heard[index] for index in chosen]) for name, chosen in enrolling.items()}
        decided.append([_decision(voiceprints[each.claimed], heard[each.index], calibration) for each in callers])
    counts = {kind: sum(each.kind == kind for each in callers) for kind in (OWN, OTHER, COPY)}
    if len(decided) < 2 or not callers:
        return {"calls": counts, "changes": {}, "examples": []}
    return {"calls": counts, "changes": _shares(callers, *decided), "examples": _examples(clips, callers, *decided)}


def _callers(clips: Sequence[Clip]) -> tuple[Mapping[str, list[int]], list[ReaderCall]]:
    """Splits each speaker's recordings in those that enroll and those that call."""
    own: dict[str, list[int]] = {}
    for index, clip in enumerate(clips):
        if clip.speaker and clip.row.get("label") != SPOOF:
            own.setdefault(clip.speaker, []).append(index)
    enrolling = {name: each[: max(1, int(len(each) * ENROLLED))] for name, each in own.items() if len(each) > 1}
    return enrolling, list(_calls(clips, own, enrolling))


def _calls(
    clips: Sequence[Clip], own: Mapping[str, list[int]], enrolling: Mapping[str, list[int]]
) -> Iterator[ReaderCall]:
    names = list(enrolling)
    for number, name in enumerate(names):
        calling = own[name][len(enrolling[name]) :]
        yield from (ReaderCall(OWN, name, index) for index in calling)
        # Two neighbors a call: all pairs would count each voice as often as there are speakers.
        others = {names[(number + step) % len(names)] for step in (1, 2)} - {name}
        yield from (ReaderCall(OTHER, other, index) for index in calling for other in sorted(others))
    for index, clip in enumerate(clips):
        if clip.row.get("label") == SPOOF and clip.speaker in enrolling:
            yield ReaderCall(COPY, clip.speaker, index)


def _decision(enrolled: Voiceprint, evidence: Evidence, calibration: Calibration) -> Decision:
    return decide(calibration.score(compare(enrolled, evidence)), evidence, Policy()).decision


def _shares(
    callers: Sequence[ReaderCall], candidate: Sequence[Decision], champion: Sequence[Decision]
) -> Mapping[str, float]:
    kinds = np.array([each.kind for each in callers])
    now, before = (np.array([each is Decision.ACCEPT for each in side]) for side in (candidate, champion))
    human = kinds != COPY
    otherwise = np.array([a is not b for a, b in zip(candidate, champion, strict=True)])
    shares = {"flips": otherwise[human], "accepted_impostors": (now & ~before)[kinds == OTHER]}
    net = {
        "refused_speakers": (before * 1.0 - now)[kinds == OWN],
        "accepted_copies": (now * 1.0 - before)[kinds == COPY],
    }
    return {name: float(np.mean(each)) for name, each in {**shares, **net}.items() if len(each)}


def _examples(
    clips: Sequence[Clip], callers: Sequence[ReaderCall], candidate: Sequence[Decision], champion: Sequence[Decision]
) -> list[Mapping[str, str]]:
    flipped = [each for each in zip(callers, candidate, champion, strict=True) if each[1] is not each[2]]
    return [
        {
            "kind": call.kind,
            "claimed": call.claimed,
            "path": clips[call.index].row["path"],
            "candidate": now,
            "champion": before,
        }
        for call, now, before in flipped[:MOST_EXAMPLES]
    ]
