"""Claims to be somebody: by the speaker, by other humans, and by synthetic speech.

When the manifest of synthetic speech says whose voice a recording copies, and that speaker is enrolled, it is held
against each voiceprint of that speaker. Otherwise the worst is assumed, a perfect clone: its speaker score is that of
one of the speakers' own trials, drawn with a seed, DRAWS times. Either way a recording counts once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.metrics import Kind
from bonafide.biometrics.scoring import Calibration, SpeakerScore, score
from training.listen import progress
from training.trials import Enrolment, Recording

SEED = 1
DRAWS = 10
# Stands for the side of a claim that resampling leaves alone.
NOBODY = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One call.

    Attributes:
        kind: who calls.
        score: of the speaker.
        evidence: of the call.
        units: what resampling draws: the speakers of both sides, or the speaker and the system.
        weight: how much it counts.
        system: that made the speech; empty for humans.
    """

    kind: Kind
    score: SpeakerScore
    evidence: Evidence
    units: tuple[str, str]
    weight: float = 1.0
    system: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """Synthetic speech.

    Attributes:
        speaker: whose voice it copies; empty when the manifest does not say.
        system: that made it.
        evidence: on the line of the test.
    """

    speaker: str
    system: str
    evidence: Evidence


def by_humans(
    enrolments: Sequence[Enrolment], recordings: Sequence[Recording], calibration: Calibration
) -> list[Claim]:
    """Every trial of the verification task."""
    pairs = [(each, recordings[index]) for each in enrolments for index in each.tests]
    return [_by_human(each, test, calibration) for each, test in progress("comparing", pairs, len(pairs))]


def by_copies(
    copies: Sequence[Copy], enrolments: Sequence[Enrolment], humans: Sequence[Claim], calibration: Calibration
) -> Iterator[Claim]:
    """Claims of synthetic speech to be whom it copies, or anybody."""
    genuine = [each.score for each in humans if each.kind is Kind.TARGET]
    generator = np.random.default_rng(SEED)
    for copy in copies:
        own = [each for each in enrolments if each.speaker == copy.speaker]
        scores = [score(each.voiceprint, copy.evidence, calibration) for each in own]
        drawn = scores or [genuine[index] for index in generator.integers(len(genuine), size=DRAWS)]
        units = (f"speaker {copy.speaker}" if own else NOBODY, f"system {copy.system}")
        for each in drawn:
            yield Claim(Kind.SPOOF, each, copy.evidence, units, 1.0 / len(drawn), copy.system)


def _by_human(enrolment: Enrolment, test: Recording, calibration: Calibration) -> Claim:
    same = enrolment.speaker == test.speaker
    units = (f"speaker {enrolment.speaker}", NOBODY if same else f"speaker {test.speaker}")
    scored = score(enrolment.voiceprint, test.test, calibration)
    return Claim(Kind.TARGET if same else Kind.NONTARGET, scored, test.test, units)
