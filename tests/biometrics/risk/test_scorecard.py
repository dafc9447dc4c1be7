"""The scorecard: each reason where it belongs, and a bounded sum."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.biometrics.risk.facts import Attestation, CallFacts, CallFlag, CallReference, LineType, Verstat
from bonafide.biometrics.risk.scorecard import SCORECARD, CallReason, CallRisk, Scorecard, is_verified
from bonafide.biometrics.risk.velocity import CallCount, CallHistory, CallMark
from tests.records.strategies import CALLS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NUMBER, DEVICE, CARRIER, COUNTRY, CHANNEL = "a" * 32, "b" * 32, "c" * 32, "d" * 32, "e" * 32
OWN, CALL = "00000001", "f" * 16
NONE = CallHistory()
FROM = {CallReference.NUMBER: NUMBER}


def weigh(facts: CallFacts, history: CallHistory = NONE) -> CallRisk:
    return SCORECARD.weigh(facts, history, NOW, OWN, CALL)


def codes(facts: CallFacts, history: CallHistory = NONE) -> set[str]:
    return {each.code for each in weigh(facts, history).reasons}


def knows(*references: tuple[CallReference, str], days: int = 1) -> CallHistory:
    return CallHistory(known=dict.fromkeys(references, (NOW - timedelta(days=days)).date()))


def count(number: int, minutes: float = 5.0, others: int = 1) -> CallCount:
    at = int((NOW - timedelta(minutes=minutes)).timestamp())
    return CallCount(
        frozenset(CallMark(at, f"{each:016x}", f"{16 + each % others:08x}") for each in range(1, number + 1))
    )


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        (CallFacts(), set()),
        (CallFacts(attestation=Attestation.A), {"ATTESTATION_A"}),
        (CallFacts(attestation=Attestation.A, verstat=Verstat.PASSED), {"ATTESTATION_A"}),
        (CallFacts(attestation=Attestation.A, verstat=Verstat.FAILED), {"VERSTAT_FAILED"}),
        (CallFacts(attestation=Attestation.A, verstat=Verstat.NONE), set()),
        (CallFacts(attestation=Attestation.C), {"ATTESTATION_C"}),
        (CallFacts(line_type=LineType.NON_FIXED_VOIP), {"LINE_VOIP"}),
        (CallFacts(line_type=LineType.MOBILE), set()),
        (CallFacts(line_type=LineType.PRISON), {"LINE_PRISON"}),
        (CallFacts(flags=(CallFlag.MIRRORED, CallFlag.FORWARDED)), {"NUMBER_MIRRORED", "CALL_FORWARDED"}),
    ],
)
def test_the_network_says(facts: CallFacts, found: set[str]) -> None:
    assert codes(facts) == found


def test_a_known_number_counts_unless_it_may_be_forged_or_was_reported() -> None:
    known = knows((CallReference.NUMBER, NUMBER))
    assert codes(CallFacts(FROM), known) == {"NUMBER_KNOWN"}
    for forgeable in (CallFacts(FROM, Attestation.C), CallFacts(FROM, verstat=Verstat.FAILED)):
        assert "NUMBER_KNOWN" not in codes(forgeable, known)
    reported = CallHistory(known=known.known, fraud=True)
    assert codes(CallFacts(FROM), reported) == {"NUMBER_FRAUD"}


@pytest.mark.parametrize(
    ("attestation", "verstat", "verified"),
    [
        (None, None, False),
        (None, Verstat.PASSED, True),
        (Attestation.A, None, True),
        (Attestation.B, None, True),
        (Attestation.C, Verstat.PASSED, False),
        (Attestation.A, Verstat.NONE, False),
        (Attestation.A, Verstat.FAILED, False),
    ],
)
def test_a_number_is_verified_if_the_network_vouches_for_it(
    attestation: Attestation | None, verstat: Verstat | None, verified: bool
) -> None:
    assert is_verified(CallFacts(FROM, attestation, verstat)) is verified


def test_nobody_is_compared_with_a_history_that_is_not_there_or_too_old() -> None:
    assert codes(CallFacts(FROM)) == set()
    assert codes(CallFacts(FROM), knows((CallReference.DEVICE, DEVICE))) == set()
    old = knows((CallReference.NUMBER, NUMBER), days=SCORECARD.known_days + 1)
    assert codes(CallFacts(FROM), old) == set()


def test_what_is_new_to_a_speaker_with_a_history() -> None:
    history = knows((CallReference.NUMBER, "other"), (CallReference.DEVICE, DEVICE), (CallReference.COUNTRY, "other"))
    facts = CallFacts({**FROM, CallReference.DEVICE: DEVICE, CallReference.COUNTRY: COUNTRY})
    assert codes(facts, history) == {"NUMBER_NEW", "DEVICE_KNOWN", "COUNTRY_NEW"}
    moved = knows((CallReference.NUMBER, NUMBER), (CallReference.CARRIER, "other"), (CallReference.CHANNEL, CHANNEL))
    facts = CallFacts({**FROM, CallReference.CARRIER: CARRIER, CallReference.CHANNEL: CHANNEL})
    assert codes(facts, moved) == {"NUMBER_KNOWN", "CARRIER_CHANGED", "CHANNEL_KNOWN"}


@pytest.mark.parametrize(
    ("history", "found"),
    [
        (CallHistory(of_number=count(3, others=2)), set()),
        (CallHistory(of_number=count(3, others=3)), {"NUMBER_SPEAKERS_HIGH"}),
        (CallHistory(of_number=count(3, minutes=24 * 60 + 1, others=3)), set()),
        (CallHistory(of_number=count(10)), set()),
        (CallHistory(of_number=count(11)), {"NUMBER_CALLS_HIGH"}),
        (CallHistory(of_number=count(11, minutes=61)), set()),
        (CallHistory(of_speaker=count(7)), {"SPEAKER_CALLS_HIGH"}),
        (CallHistory(of_speaker=count(6)), set()),
        (CallHistory(of_speaker=count(4, others=4)), {"SPEAKER_NUMBERS_HIGH"}),
        (CallHistory(of_speaker=count(3, others=3)), set()),
        (CallHistory(surge=True), {"DOMAIN_SURGE"}),
    ],
)
def test_velocity_counts_within_its_window_above_its_limit(history: CallHistory, found: set[str]) -> None:
    assert codes(CallFacts(FROM), history) == found


def test_a_call_does_not_count_for_itself_nor_a_speaker_for_their_own_number() -> None:
    at = int(NOW.timestamp())
    own = {CallMark(at, CALL, "00000099"), CallMark(at, "1" * 16, OWN), CallMark(at, "2" * 16, "00000098")}
    others = {CallMark(at, "3" * 16, "00000097")}
    assert codes(CallFacts(FROM), CallHistory(of_number=CallCount(frozenset(own | others)))) == set()


@given(CALLS, st.booleans(), st.booleans(), st.integers(0, 47), st.integers(1, 9))
def test_the_sum_is_that_of_the_reasons_within_bounds_the_weightiest_first(
    facts: CallFacts, fraud: bool, surge: bool, calls: int, others: int
) -> None:
    risk = weigh(facts, CallHistory(count(calls, others=others), count(calls, others=others), {}, fraud, surge))
    total = sum(each.nats for each in risk.reasons)
    assert risk.nats == pytest.approx(min(max(total, SCORECARD.lowest), SCORECARD.highest))
    sizes = [abs(each.nats) for each in risk.reasons]
    assert sizes == sorted(sizes, reverse=True)
    assert weigh(facts, CallHistory(count(calls, others=others), count(calls, others=others), {}, fraud, surge)) == risk


def test_a_scorecard_has_a_weight_for_each_reason_and_no_other() -> None:
    document: dict[str, Any] = {
        "version": "v",
        "lowest": -1,
        "highest": 1,
        "known_days": 1,
        "limits": {
            "number_speakers_a_day": 1,
            "number_calls_an_hour": 1,
            "speaker_calls_an_hour": 1,
            "speaker_numbers_a_day": 1,
            "surge_calls": 1,
            "surge_factor": 1,
        },
        "nats": dict.fromkeys(map(str, CallReason), 0),
    }
    assert set(Scorecard.from_json(json.dumps(document)).nats) == set(CallReason)
    for nats, said in (({"ATTESTATION_A": 1}, "no weight of"), ({**document["nats"], "OTHER": 1}, "OTHER")):
        with pytest.raises(ValueError, match=said):
            Scorecard.from_json(json.dumps({**document, "nats": nats}))


def test_no_weight_in_favor_of_a_caller_is_beyond_what_a_voice_must_bring_itself() -> None:
    assert -2 < SCORECARD.lowest < 0 < SCORECARD.highest < 5
    assert all(abs(each) <= 2 for each in SCORECARD.nats.values())
