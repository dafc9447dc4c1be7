"""A decision that is judged again from its archived record comes out the same, to the last bit."""

from dataclasses import replace
from math import inf, nextafter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.biometrics.case import BrakeScope, Case
from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.evidence import Channel, Quality
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration, Comparison, Condition
from bonafide.records.decision import DecisionRecord
from bonafide.records.ledger.entry import ArchivedDecision, StoredDecision
from bonafide.records.ledger.replay import difference, replayed
from tests.decisions import DECIDED_AT, decision_record
from tests.services.parts import Chords

CALIBRATION = Calibration.parse(Chords().calibrations[0])
KNOWN = {CALIBRATION.digest: CALIBRATION}
NUMBERS = st.floats(-30, 30)

CASES = st.builds(
    Case,
    speech_seconds=st.floats(0, 60),
    channel=st.sampled_from(Channel),
    quality=st.builds(Quality, st.floats(-60, 0), st.floats(0, 1), st.floats(0, 60)),
    liveness=st.none() | NUMBERS,
    comparison=st.none()
    | st.builds(
        Comparison,
        st.sampled_from(Condition),
        st.floats(-1, 1),
        st.floats(3, 300),
        st.floats(0.5, 60),
        st.just(CALIBRATION.embedding_space),
    ),
    obstacle=st.none() | st.just(Reason.NO_SPEECH),
    brakes=st.sampled_from([(), (BrakeScope.STAGE,)]),
    alerts=st.sampled_from([(), (Reason.AUDIO_REPLAYED,)]),
)


def archived(case: Case, policy: Policy) -> DecisionRecord:
    record = decision_record(
        case=case, policy=policy, judgement=judge(case, policy, CALIBRATION), calibration=CALIBRATION.digest
    )
    stored = StoredDecision(record.to_document(), DECIDED_AT)
    return ArchivedDecision.from_bytes(ArchivedDecision.of(stored, None, DECIDED_AT).to_bytes()).record()


@settings(max_examples=60)
@given(CASES)
def test_a_replay_gives_the_same_judgement_to_the_last_bit(case: Case) -> None:
    record = archived(case, Policy())
    again = replayed(record, KNOWN)
    assert again == record.judgement
    assert again
    assert difference(record.judgement, again) == 0.0


def test_a_decision_of_another_calibration_is_not_replayed() -> None:
    assert replayed(decision_record(), KNOWN) is None
    assert replayed(decision_record(calibration=CALIBRATION.digest, policy=None), KNOWN) is None


def test_a_judgement_that_differs_says_by_how_much() -> None:
    stored = decision_record().judgement
    assert stored.speaker
    llr = nextafter(stored.speaker.llr, inf)
    apart = difference(stored, replace(stored, speaker=replace(stored.speaker, llr=llr)))
    assert 0 < apart == pytest.approx(llr - stored.speaker.llr)
    assert difference(stored, replace(stored, decision=Decision.REJECT)) == inf
    assert difference(stored, replace(stored, liveness=None)) == inf
