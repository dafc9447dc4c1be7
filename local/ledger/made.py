"""Decisions that are judged, but of no recording: as many and as different as a check of the archive needs."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from bonafide.biometrics.case import BrakeScope, Case
from bonafide.biometrics.decision import Reason
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration, Comparison, Condition
from bonafide.records.decision import DecisionRecord

SEED = 7
# Shares of cases in which something is missing, or stands in the way.
WITHOUT_VOICE, WITHOUT_LIVENESS, BRAKED, REPLAYED = 0.05, 0.1, 0.1, 0.1


def made_decisions(
    like: DecisionRecord, calibration: Calibration, count: int, at: datetime
) -> Iterator[DecisionRecord]:
    """Yields decisions on the domain and the speaker of another one, with facts drawn at random.

    Args:
        like: a decision of a call.
        calibration: that judges.
        count: how many.
        at: time of all of them.
    """
    chance = random.Random(SEED)  # noqa: S311, protects nothing
    for number in range(count):
        case, policy = _case(chance, like.case, calibration), Policy()
        yield replace(
            like,
            decision_id=f"made-{number}",
            case=case,
            judgement=judge(case, policy, calibration),
            policy=policy,
            calibration=calibration.digest,
            decided_at=at,
        )


def _case(chance: random.Random, like: Case, calibration: Calibration) -> Case:
    speech = chance.uniform(1, 30)
    comparison = Comparison(
        chance.choice(list(Condition)),
        chance.uniform(-0.2, 1),
        chance.uniform(6, 60),
        speech,
        calibration.embedding_space,
    )
    return replace(
        like,
        speech_seconds=speech,
        comparison=None if chance.random() < WITHOUT_VOICE else comparison,
        liveness=None if chance.random() < WITHOUT_LIVENESS else chance.gauss(1, 3),
        obstacle=None,
        degraded=(),
        brakes=(BrakeScope.STAGE,) if chance.random() < BRAKED else (),
        alerts=(Reason.AUDIO_REPLAYED,) if chance.random() < REPLAYED else (),
    )
