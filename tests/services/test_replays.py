"""Audio that was used before: noticed in calls, and counted once in enrollments."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from bonafide.audio.waveform import Samples, Waveform
from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.evidence import Evidence
from bonafide.contracts.audio import AudioInput
from bonafide.contracts.authentications import AuthenticationDecision
from bonafide.contracts.domains import DomainSettings
from bonafide.errors import Conflict, StoreUnavailable, UnsupportedAudio
from bonafide.http.problems import status_of
from bonafide.observability import measurements
from bonafide.services.shared.replays import Replays, SpokenAudio
from tests.services.parts import Chords, LoudPart, World, recording, sound


class Sounds(Chords):
    """Models for which everybody who makes these sounds is one person, as long as nothing else is asked."""

    def evidence(self, *arguments: Any, **named: Any) -> Evidence:
        found = super().evidence(*arguments, **named)
        same = np.full(192, 192**-0.5, np.float32)
        return Evidence(
            found.speech_seconds,
            found.channel,
            dict.fromkeys(found.embeddings, same),
            found.quality,
            found.embedding_space,
            found.liveness,
        )

    def find_speech(self, waveform: Any) -> LoudPart:
        found = super().find_speech(waveform)
        return LoudPart(waveform.samples, waveform.rate, found.channel, found.quality)


def chatter(number: int, seconds: float = 8.0) -> Samples:
    """Sounds of random pitch and length, as nobody makes them twice; the longer one of a number begins alike."""
    source = np.random.default_rng(number)
    pieces: list[Samples] = []
    while sum(map(len, pieces)) < seconds * 16000:
        time = np.arange(int(source.uniform(0.05, 0.25) * 16000)) / 16000
        tones = np.sin(2 * np.pi * source.uniform(350, 3300, 3)[:, None] * time).sum(axis=0)
        pieces.append(np.asarray(0.1 * source.uniform(0.3, 1) * tones * np.hanning(len(time)), np.float32))
    return np.concatenate(pieces)[: int(seconds * 16000)]


def speech(number: int, seconds: float = 8.0, level: float = 1.0) -> AudioInput:
    """A recording that nobody made before, by its number."""
    return recording(level * chatter(number, seconds))


@pytest.fixture
def world() -> World:
    world = World(models=Sounds())
    world.put_domain(minimum_enrolment_seconds=6)
    world.enroll(speech(0))
    return world


def replayed(decision: AuthenticationDecision) -> bool:
    assert decision.decision is (Decision.STEP_UP if Reason.AUDIO_REPLAYED in decision.reasons else Decision.ACCEPT), (
        decision
    )
    return Reason.AUDIO_REPLAYED in decision.reasons


def test_a_new_recording_is_accepted_and_the_same_one_again_is_not(world: World) -> None:
    assert not replayed(world.authenticate(speech(1)))
    assert replayed(world.authenticate(speech(1)))
    assert not replayed(world.authenticate(speech(2)))


@pytest.mark.parametrize(
    "copy", [speech(1, level=0.5), speech(1, 5.0), recording(chatter(1, 8)[::-1]), speech(1, 12.0)]
)
def test_a_copy_of_a_call_is_noticed(world: World, copy: AudioInput) -> None:
    world.authenticate(speech(1))
    assert replayed(world.authenticate(copy))


def test_the_recording_of_the_enrollment_is_no_call(world: World) -> None:
    assert replayed(world.authenticate(speech(0, level=0.5)))
    assert replayed(world.authenticate(speech(0)))


def test_a_second_that_repeats_itself_is_noticed(world: World) -> None:
    assert replayed(world.authenticate(recording(np.tile(chatter(3, 1), 8))))


def test_the_same_request_again_is_no_second_use(world: World) -> None:
    first = world.authenticate(speech(1), key="call")
    again = world.authenticate(speech(1), key="call")
    assert not replayed(first)
    assert (again.decision_id, again.reasons) == (first.decision_id, first.reasons)


def test_equal_samples_are_noticed_for_any_speaker_of_the_domain_and_no_other(world: World) -> None:
    world.enroll(speech(5), speaker="bob")
    world.authenticate(speech(1))
    assert replayed(world.authenticate(speech(1), speaker="bob"))
    world.authenticate(speech(2))
    assert not replayed(world.authenticate(speech(2, level=0.5), speaker="bob")), "copies: of the same speaker only"


def test_a_recording_counts_as_long_as_the_domain_says(world: World) -> None:
    world.authenticate(speech(1))
    world.now += timedelta(days=30, minutes=1)
    assert not replayed(world.authenticate(speech(1)))
    assert replayed(world.authenticate(speech(0, level=0.5))), "the voiceprint's recordings: as long as it"


def test_a_domain_can_do_without(world: World) -> None:
    settings = {"policy": {"minimum_enrolment_seconds": 6}, "retention": {"replay_days": 0}}
    world.domains.put("acme", DomainSettings.model_validate(settings))
    for _ in range(2):
        assert not replayed(world.authenticate(speech(1)))
    assert [each.kind for each in world.fingerprints.heard("acme", "ann", 9)] == ["enrollment"]


def test_what_was_too_short_to_decide_on_may_be_sent_again_in_the_same_call(world: World) -> None:
    short = chatter(1, 2.5)
    assert world.authenticate(recording(short)).decision is Decision.INCONCLUSIVE
    assert not replayed(world.authenticate(recording(chatter(1, 8))))


def test_golden_calls_repeat_their_recordings_in_peace(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = Replays(world.fingerprints, "acme", lambda: world.now)
    monkeypatch.setattr(World, "replays", quiet)
    for _ in range(2):
        assert not replayed(world.authenticate(speech(1)))


class Broken:
    """A store that does not answer."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*_arguments: Any) -> Any:
            raise StoreUnavailable from ConnectionError()

        return call


def test_without_the_store_the_answer_is_at_best_step_up_and_says_what_was_missing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(World, "replays", Replays(Broken(), clock=lambda: world.now))
    answer = world.authenticate(speech(1))
    assert (answer.decision, answer.degraded) == (Decision.STEP_UP, ["replay"])
    assert measurements.pending()["FingerprintFailures"] == [1.0]
    with pytest.raises(StoreUnavailable):
        world.enroll(speech(2))


def test_a_copy_of_a_contribution_counts_once(world: World) -> None:
    before = world.stored("ann")
    answer = world.enroll(speech(0, level=0.5), key="louder")
    assert answer.repeated
    assert world.stored("ann").speech_seconds == before.speech_seconds
    assert len(world.fingerprints.heard("acme", "ann", 9)) == 1
    assert not world.enroll(speech(7)).repeated


def test_what_was_refused_is_no_part_of_the_voiceprint(world: World) -> None:
    world.models = Chords()
    with pytest.raises(Conflict, match="not, or not clearly enough"):
        world.enroll(recording(sound("bob", 8)))
    world.models = Sounds()
    assert len(world.fingerprints.heard("acme", "ann", 9)) == 1


def test_a_contribution_of_a_killed_request_can_be_sent_again_under_another_key(world: World) -> None:
    service = world.replays
    contribution = chatter(9, 8)
    domain, speaker = world.store.find("acme", "ann")
    assert domain
    assert speaker
    heard = Sounds().fingerprint(Sounds().find_speech(Waveform(contribution, 16000)))
    service.remember(domain, "ann", SpokenAudio("killed", "b" * 64, heard))
    assert not world.enroll(recording(contribution)).repeated
    assert not replayed(world.authenticate(speech(1)))


def test_whoever_leaves_takes_the_fingerprints_along(world: World) -> None:
    world.authenticate(speech(1))
    world.speakers.opt_out("acme", "ann")
    assert not world.fingerprints.heard("acme", "ann", 9)
    world.now += timedelta(minutes=5)
    world.enroll(speech(0))
    assert not replayed(world.authenticate(speech(1)))
    world.domains.delete("acme", force=True)
    world.put_domain(minimum_enrolment_seconds=6)
    world.enroll(speech(0))
    assert not replayed(world.authenticate(speech(1)))


@pytest.mark.parametrize(("part", "times"), [(1.0, 8), (2.0, 4), (3.5, 2)])
def test_a_part_that_is_repeated_within_a_contribution_is_refused(world: World, part: float, times: int) -> None:
    before = world.stored("ann"), world.fingerprints.heard("acme", "ann", 9)
    looped = np.tile(chatter(5)[: int(part * 16000)], times)
    with pytest.raises(UnsupportedAudio) as refusal:
        world.enroll(recording(looped))
    error = refusal.value
    assert (status_of(error), error.code, error.limit, error.found) == (422, "audio_repeats_itself", None, None)
    assert (world.stored("ann"), world.fingerprints.heard("acme", "ann", 9)) == before
    assert not world.enroll(speech(5)).repeated
