"""Measures how far an attacker climbs who varies a voice at random and keeps what the answer likes.

    python -m training.evaluation.attacks.hillclimb [--probes 1000] [--seed 0] [--bundle DIR]

Each reader of the demo attacks each other one, from the own voice. A probe moves the embedding of the kept voice by a
random step; the service's own rules judge it with the calibration that serves and the default policy, without limits of
attempts; and the attacker keeps it unless the answer is worse: by the decision, the reasons, and the score as told.
A blind attacker, who keeps every probe, shows what chance alone does.
Moving embeddings is easier than moving voices: an attacker who has audio only gains no more. The gain is the LLR of the
voice kept last over that of the own voice; of all kept ones the attacker cannot tell a better one.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Self

import numpy as np

from bonafide.adapters.onnx import Bundle
from bonafide.audio.waveform import Samples, Waveform
from bonafide.biometrics.case import Case
from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector
from bonafide.biometrics.judgement import Judgement, disclosed, judge
from bonafide.biometrics.policy import Disclosure, Policy
from bonafide.biometrics.scoring import Calibration
from bonafide.biometrics.voiceprint import Voiceprint
from layers.golden.readers import RATE, load
from training.evaluation.evaluate import BUNDLE

STEPS = (0.05, 0.2, 0.5)
RANKS = {Decision.REJECT: 0, Decision.INCONCLUSIVE: 0, Decision.STEP_UP: 1, Decision.ACCEPT: 2}
VOICES = {Reason.VOICE_MISMATCH: 0, Reason.VOICE_UNCERTAIN: 1, Reason.VOICE_MATCH: 2}

# What an attacker sees, so that more is better: decision, reason of the voice, score.
type Seen = tuple[int, int, float]


@dataclass(frozen=True, slots=True)
class Climb:
    """One attack.

    Attributes:
        start: LLR of the attacker's own voice.
        end: LLR of the voice that is kept last.
        accepted: whether that voice is accepted.
    """

    start: float
    end: float
    accepted: bool


@dataclass(frozen=True, slots=True)
class AttackedService:
    """The service as an attacker on one speaker finds it.

    Attributes:
        voiceprint: of the attacked speaker.
        calibration: that serves.
        disclosure: of the policy; None tells the attacker nothing at all, not even the decision.
    """

    voiceprint: Voiceprint
    calibration: Calibration
    disclosure: Disclosure | None

    def judge(self, evidence: Evidence) -> Judgement:
        """Judges a probe."""
        return judge(Case.of(evidence, self.voiceprint), Policy(), self.calibration)

    def seen(self, judgement: Judgement) -> Seen:
        """Returns what the answer tells."""
        if self.disclosure is None:
            return 0, 0, 0.0
        told = disclosed(judgement, self.disclosure)
        voice = max((VOICES[reason] for reason in told.reasons if reason in VOICES), default=-1)
        return RANKS[told.decision], voice, round(told.speaker.llr, 3) if told.speaker else 0.0


def climb(service: AttackedService, own: Evidence, step: float, probes: int, random: np.random.Generator) -> Climb:
    """Attacks with so many probes; `step` is the length of a random step from a unit vector."""
    start = kept = service.judge(own)
    voice, best = own, service.seen(start)
    for _ in range(probes):
        moved = {band: _moved(vector, step, random) for band, vector in voice.embeddings.items()}
        probe = replace(voice, embeddings=moved)
        judgement = service.judge(probe)
        if service.seen(judgement) >= best:
            voice, best, kept = probe, service.seen(judgement), judgement
    return Climb(_llr(start), _llr(kept), kept.decision is Decision.ACCEPT)


def _llr(judgement: Judgement) -> float:
    assert judgement.speaker
    return judgement.speaker.llr


def _moved(vector: FloatVector, step: float, random: np.random.Generator) -> FloatVector:
    direction = random.standard_normal(len(vector))
    moved = vector + step * direction / np.linalg.norm(direction)
    return np.asarray(moved / np.linalg.norm(moved), np.float32)


@dataclass(frozen=True, slots=True)
class Attackers:
    """The readers, who attack each other.

    Attributes:
        voiceprints: of each.
        calls: of each, in the same order.
        calibration: that serves.
    """

    voiceprints: Sequence[Voiceprint]
    calls: Sequence[Evidence]
    calibration: Calibration

    @classmethod
    def load(cls, bundle: Bundle) -> Self:
        """Extracts the evidence of the readers of the demo."""
        readers = load().values()
        return cls(
            [Voiceprint.of([_evidence(bundle, reader.enrollment)]) for reader in readers],
            [_evidence(bundle, reader.call) for reader in readers],
            Calibration.parse(bundle.calibration),
        )

    def attack(self, disclosure: Disclosure | None, step: float, probes: int, seed: int) -> list[Climb]:
        """Lets every reader attack every other one."""
        random = np.random.default_rng(seed)
        return [
            climb(
                AttackedService(self.voiceprints[target], self.calibration, disclosure),
                self.calls[attacker],
                step,
                probes,
                random,
            )
            for target, attacker in permutations(range(len(self.calls)), 2)
        ]


def _evidence(bundle: Bundle, samples: Samples) -> Evidence:
    return bundle.observe(Waveform(samples, RATE), [Channel.NARROWBAND])


def table(disclosure: Disclosure | None, step: float, climbs: Sequence[Climb]) -> Iterator[str]:
    """Yields the line of a table: gains in nats, and how many attacks end with an accepted voice."""
    gains = np.array([each.end - each.start for each in climbs])
    accepted = sum(each.accepted for each in climbs)
    yield (
        f"{disclosure or 'blind':6}  step {step:4}  {len(climbs)} attacks  mean {gains.mean():+.2f}  "
        f"median {np.median(gains):+.2f}  95 % {np.quantile(gains, 0.95):+.2f}  accepted {accepted}"
    )


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Measure how far an attacker climbs.")
    parser.add_argument("--probes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    arguments = parser.parse_args()
    attackers = Attackers.load(Bundle.load(arguments.bundle))
    for disclosure in (*Disclosure, None):
        for step in STEPS:
            climbs = attackers.attack(disclosure, step, arguments.probes, arguments.seed)
            sys.stdout.write("\n".join([*table(disclosure, step, climbs), ""]))
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
