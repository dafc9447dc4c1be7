"""Counting of failed attempts: which decisions failed, and when failures limit the next."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonafide.biometrics.decision import Decision, Reason, Thresholds
from bonafide.biometrics.judgement import Judgement, LivenessJudgement, VoiceJudgement, disclosed
from bonafide.biometrics.liveness import LivenessState
from bonafide.biometrics.policy import Disclosure, Policy
from bonafide.biometrics.presentation.attempts import KEPT_FAILURES, Attempts, Failure, alerts, is_failure

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
POLICY = Policy()
WINDOW = timedelta(minutes=POLICY.failure_minutes)
ALIVE = LivenessJudgement(2.0, 73.0, LivenessState.BONA_FIDE)


def failed(minute: float, name: str | None = None) -> Failure:
    return Failure.of(NOON + timedelta(minutes=minute), name or f"attempt-{minute}")


def counter(*minutes: float) -> Attempts:
    return Attempts(frozenset(failed(each) for each in minutes))


def judgement(decision: Decision, *reasons: Reason, alive: LivenessJudgement | None = ALIVE) -> Judgement:
    return Judgement(decision, reasons, Thresholds(1.6, -5.3, -1.4), VoiceJudgement(0.7, 58.7), alive, ())


@pytest.mark.parametrize(
    ("found", "failure"),
    [
        (judgement(Decision.REJECT, Reason.VOICE_MISMATCH), True),
        (judgement(Decision.REJECT, Reason.VOICE_SYNTHETIC, Reason.VOICE_MATCH), True),
        (judgement(Decision.STEP_UP, Reason.VOICE_UNCERTAIN), True),
        (judgement(Decision.STEP_UP, Reason.LIVENESS_UNCERTAIN, Reason.VOICE_MATCH), True),
        (judgement(Decision.STEP_UP, Reason.LIVENESS_UNCERTAIN, Reason.VOICE_MATCH, alive=None), False),
        (judgement(Decision.STEP_UP, Reason.VOICE_MATCH, Reason.TOO_MANY_FAILURES), False),
        (judgement(Decision.STEP_UP, Reason.VOICE_MATCH, Reason.AUDIO_NOISY), False),
        (judgement(Decision.ACCEPT, Reason.VOICE_MATCH), False),
        (judgement(Decision.INCONCLUSIVE, Reason.NOT_ENOUGH_SPEECH), False),
    ],
)
def test_a_decision_fails_when_the_voice_speaks_against_it(found: Judgement, failure: bool) -> None:
    assert is_failure(found) is failure


def test_five_failures_limit_until_fifteen_minutes_after_the_last() -> None:
    four, five = counter(0, 1, 2, 3), counter(0, 1, 2, 3, 4)
    assert four.limited_until(POLICY) is None
    assert five.limited_until(POLICY) == NOON + timedelta(minutes=4) + WINDOW
    until = NOON + timedelta(minutes=19)
    assert alerts([five], POLICY, until - timedelta(milliseconds=1)) == (Reason.TOO_MANY_FAILURES,)
    assert alerts([five], POLICY, until) == ()
    assert alerts([Attempts(), five], POLICY, NOON) == (Reason.TOO_MANY_FAILURES,)


def test_a_failure_while_limited_prolongs_and_a_pause_ends_it() -> None:
    assert counter(0, 1, 2, 3, 4, 18).limited_until(POLICY) == NOON + timedelta(minutes=18) + WINDOW
    # After the pause of 15 minutes that ended it, failures are counted from the first again.
    assert counter(0, 1, 2, 3, 4, 19).limited_until(POLICY) is None


def test_a_policy_without_a_limit_never_limits() -> None:
    assert counter(*range(60)).limited_until(replace(POLICY, failure_limit=None)) is None


def test_a_reset_and_a_predecessor_of_the_speaker_count_no_more() -> None:
    five = counter(0, 1, 2, 3, 4)
    assert replace(five, reset_at=NOON).limited_until(POLICY) is None
    assert five.since(NOON + timedelta(seconds=1)).limited_until(POLICY) is None
    assert five.since(NOON).limited_until(POLICY) == five.limited_until(POLICY)


def test_a_session_does_not_limit_itself_and_counts_once_however_often_it_is_evaluated() -> None:
    seen = Attempts(counter(0, 1, 2, 3).failures | {failed(4, "own"), failed(5, "own")})
    assert seen.limited_until(POLICY) == NOON + timedelta(minutes=5) + WINDOW
    assert seen.limited_until(POLICY, failed(4, "own").attempt) is None
    once = Attempts(frozenset(failed(each, "own") for each in range(9)))
    assert once.limited_until(POLICY) is None


minutes = st.integers(0, 90).map(lambda number: number / 2)


@given(st.lists(minutes, max_size=40), st.integers(1, 10))
def test_outdated_failures_never_matter(times: list[float], limit: int) -> None:
    policy = replace(POLICY, failure_limit=limit)
    every = counter(*times)
    pruned = replace(every, failures=every.failures - every.outdated)
    assert len(pruned.failures) <= KEPT_FAILURES
    assert pruned.limited_until(policy) == every.limited_until(policy)


@given(st.lists(minutes, unique=True, min_size=1, max_size=30))
def test_whoever_fails_each_time_is_limited_from_the_fifth_failure_in_a_row_on(times: list[float]) -> None:
    """Against a plain reading of the rule: failures one by one, with a count that a pause sets back."""
    row, newest = 0, -1e9
    for number, minute in enumerate(sorted(times), 1):
        row = row + 1 if minute - newest < POLICY.failure_minutes else 1
        newest = minute
        limited = counter(*sorted(times)[:number]).limited_until(POLICY)
        assert (limited is not None) is (row >= 5)


@given(st.floats(-40, 40, allow_nan=False), st.floats(-40, 40, allow_nan=False), st.sampled_from(list(Decision)[:3]))
def test_coarse_scores_tell_which_threshold_is_reached_and_nothing_else(
    speaker: float, liveness: float, decision: Decision
) -> None:
    full = replace(
        judgement(decision, Reason.VOICE_MATCH),
        speaker=VoiceJudgement(speaker, 50.0),
        liveness=LivenessJudgement(liveness, 50.0, LivenessState.UNCERTAIN),
    )
    told = disclosed(full, Disclosure.COARSE)
    limits = full.thresholds
    assert told.speaker
    assert told.liveness
    assert told.speaker.llr in {limits.accept, limits.reject, -50.0}
    assert told.liveness.llr in {limits.liveness, -50.0}
    assert (told.speaker.llr >= limits.accept) is (speaker >= limits.accept)
    assert (told.speaker.llr >= limits.reject) is (speaker >= limits.reject)
    assert (told.liveness.llr >= limits.liveness) is (liveness >= limits.liveness)
    assert (told.decision, told.reasons, told.thresholds) == (full.decision, full.reasons, limits)


def test_what_is_told_follows_the_disclosure() -> None:
    full = judgement(Decision.STEP_UP, Reason.VOICE_UNCERTAIN)
    assert disclosed(full, Disclosure.FULL) == full
    assert disclosed(full, Disclosure.NONE) == replace(full, speaker=None, liveness=None)
    open_ = replace(full, decision=Decision.INCONCLUSIVE)
    assert disclosed(open_, Disclosure.COARSE) == replace(open_, speaker=None, liveness=None)
