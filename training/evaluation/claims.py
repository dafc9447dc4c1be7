"""Claims to be somebody: by the speaker, by other humans, and by synthetic speech.

When the manifest of synthetic speech says whose voice a recording copies, and that speaker is enrolled, it is held
against each voiceprint of that speaker. Otherwise the worst is assumed, a perfect clone: its speaker score is that of
one of the speakers' own trials, drawn with a seed, DRAWS times. Either way a recording counts once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.scoring import Calibration, SpeakerScore
from training.evaluation.batch import score
from training.evaluation.metrics import Kind
from training.evaluation.trials import TrialEnrollment, TrialRecording
from training.parallel import progress

SEED = 1
DRAWS = 10
# Stands for the side of a claim that resampling leaves alone.
NOBODY = ""


@dataclass(frozen=True, slots=True)
class IdentityClaim:
    """One call of somebody who claims to be an enrolled speaker.

    Attributes:
        kind: who calls.
        score: of the speaker.
        evidence: of the call.
        units: what resampling draws: the speakers of both sides, or the speaker and the system.
        weight: how much it counts.
        system: name of the generating system; empty for humans.
    """

    kind: Kind
    score: SpeakerScore
    evidence: Evidence
    units: tuple[str, str]
    weight: float = 1.0
    system: str = ""


@dataclass(frozen=True, slots=True)
class SyntheticRecording:
    """A recording of synthetic speech.

    Attributes:
        speaker: whose voice it copies; empty when the manifest does not say.
        system: name of the generating system.
        evidence: on the line of the test.
    """

    speaker: str
    system: str
    evidence: Evidence


def by_humans(
    enrollments: Sequence[TrialEnrollment], recordings: Sequence[TrialRecording], calibration: Calibration
) -> list[IdentityClaim]:
    """Makes the claims of humans: every trial of the task `verify`."""
    pairs = [(each, recordings[index]) for each in enrollments for index in each.tests]
    return [_by_human(each, test, calibration) for each, test in progress("comparing", pairs, len(pairs))]


def by_copies(
    copies: Sequence[SyntheticRecording],
    enrollments: Sequence[TrialEnrollment],
    humans: Sequence[IdentityClaim],
    calibration: Calibration,
) -> Iterator[IdentityClaim]:
    """Makes the claims of synthetic speech to be the speaker that it copies, or anybody."""
    genuine = [each.score for each in humans if each.kind is Kind.TARGET]
    generator = np.random.default_rng(SEED)
    for copy in copies:
        own = [each for each in enrollments if each.speaker == copy.speaker]
        scores = [score(each.voiceprint, copy.evidence, calibration) for each in own]
        drawn = scores or [genuine[index] for index in generator.integers(len(genuine), size=DRAWS)]
        units = (f"speaker {copy.speaker}" if own else NOBODY, f"system {copy.system}")
        for each in drawn:
            yield IdentityClaim(Kind.SPOOF, each, copy.evidence, units, 1.0 / len(drawn), copy.system)


def _by_human(enrollment: TrialEnrollment, test: TrialRecording, calibration: Calibration) -> IdentityClaim:
    same = enrollment.speaker == test.speaker
    units = (f"speaker {enrollment.speaker}", NOBODY if same else f"speaker {test.speaker}")
    scored = score(enrollment.voiceprint, test.test, calibration)
    return IdentityClaim(Kind.TARGET if same else Kind.NONTARGET, scored, test.test, units)
