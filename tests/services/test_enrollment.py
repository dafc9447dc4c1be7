"""What becomes a voiceprint, and what is refused."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.audio.waveform import Samples
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.evidence import Channel
from bonafide.contracts.audio import AudioInput
from bonafide.errors import Conflict, InvalidInput, NotFound, StoreUnavailable, UnsupportedAudio
from bonafide.http.problems import status_of
from bonafide.records.domain import DomainState
from bonafide.services.enrollment import adding
from tests.services.parts import MORNING, Chords, World, recording, sound, speech


@pytest.fixture
def world() -> World:
    world = World()
    world.put_domain()
    return world


def test_speech_accumulates_until_there_is_enough(world: World) -> None:
    answers = [world.enroll(speech("ann", 8, level=level)) for level in (0.2, 0.21, 0.22)]
    assert [answer.status for answer in answers] == ["PENDING", "PENDING", "ENROLLED"]
    assert [answer.total_speech_seconds for answer in answers] == [8, 16, 24]
    assert [answer.missing_speech_seconds for answer in answers] == [12, 4, 0]
    assert {answer.speech_seconds for answer in answers} == {8}


def test_how_much_is_enough_is_the_domains_policy(world: World) -> None:
    world.put_domain(minimum_enrolment_seconds=6)
    assert world.enroll(speech("ann", 6)).status is SpeakerStatus.ENROLLED


def test_wideband_speech_makes_a_template_for_each_band_and_narrowband_speech_for_its_own(world: World) -> None:
    world.enroll(speech("ann", 6, rate=8000), speaker="narrow")
    world.enroll(speech("ann", 6, rate=16000), speaker="wide")
    assert templates(world, "narrow") == {Channel.NARROWBAND}
    assert templates(world, "wide") == {Channel.NARROWBAND, Channel.WIDEBAND}
    assert world.speakers.get("acme", "wide").channels == [Channel.WIDEBAND]


def templates(world: World, speaker: str) -> set[Channel]:
    record = world.store.find("acme", speaker)[1]
    assert record is not None
    assert record.voiceprint is not None
    return set(record.voiceprint.templates)


def clipped(samples: Samples) -> Samples:
    return np.asarray(np.clip(20 * samples, -0.9, 0.9), np.float32)


def noisy(samples: Samples) -> Samples:
    noise = np.random.default_rng(0).standard_normal(2 * len(samples)).astype(np.float32) * np.float32(0.17)
    return np.asarray(noise + np.concatenate([samples, np.zeros_like(samples)]), np.float32)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (np.zeros_like, "audio_no_speech"),
        (clipped, "audio_clipped"),
        (lambda samples: samples * np.float32(0.005), "audio_too_quiet"),
        (noisy, "audio_too_noisy"),
    ],
)
def test_a_poor_recording_is_refused_by_what_is_wrong_with_it(
    world: World, spoil: Callable[[Samples], Samples], code: str
) -> None:
    with pytest.raises(UnsupportedAudio) as refusal:
        world.enroll(recording(spoil(sound("ann"))))
    error = refusal.value
    assert (status_of(error), error.code, error.subject) == (422, code, "audio")
    assert error.limit is not None
    assert error.found is not None
    assert world.store.find("acme", "ann")[1] is None


@pytest.mark.parametrize(
    ("audio", "code"),
    [
        (AudioInput(content="not base64!"), "audio_not_base64"),
        (AudioInput(content=""), "audio_empty"),
        (AudioInput(content="UklGRg=="), "audio_malformed"),
    ],
)
def test_what_is_not_audio_is_refused_as_such(world: World, audio: AudioInput, code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        world.enroll(audio)
    assert refusal.value.code == code


def test_an_upload_is_read_by_its_domain_only(world: World) -> None:
    world.audio.keep("uploads/other/name", b"RIFF")
    with pytest.raises(NotFound) as refusal:
        world.enroll(AudioInput(upload="name"))
    assert refusal.value.code == "upload_not_found"


def test_enrollment_needs_a_domain(world: World) -> None:
    world.domains.delete("acme", force=False)
    with pytest.raises(NotFound) as refusal:
        world.enroll(speech("ann"))
    assert refusal.value.code == "domain_not_found"


def test_consent_in_the_future_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput) as refusal:
        world.enroll(speech("ann"), given_at=MORNING + timedelta(seconds=1))
    assert (refusal.value.code, refusal.value.subject) == ("consent_in_future", "consent time")


def test_consent_of_ten_years_ago_is_refused_and_of_a_day_less_is_not(world: World) -> None:
    oldest = MORNING - timedelta(days=3650)
    with pytest.raises(InvalidInput) as refusal:
        world.enroll(speech("ann"), given_at=oldest - timedelta(seconds=1))
    refused = refusal.value
    assert (refused.code, refused.subject, refused.limit) == ("consent_too_old", "consent time", oldest.isoformat())
    assert world.enroll(speech("ann"), given_at=oldest).total_speech_seconds == 6


def test_after_opting_out_only_newer_consent_enrols_again(world: World) -> None:
    world.enroll(speech("ann"))
    world.speakers.opt_out("acme", "ann")
    for given_at in (MORNING - timedelta(days=1), MORNING):
        with pytest.raises(Conflict) as refusal:
            world.enroll(speech("ann"), given_at=given_at)
        assert refusal.value.code == "speaker_opted_out"
    world.now += timedelta(hours=1)
    assert world.enroll(speech("ann")).total_speech_seconds == 6


def test_consent_that_an_opt_out_made_void_stays_void_when_newer_consent_is_given(world: World) -> None:
    world.enroll(speech("ann"))
    world.speakers.opt_out("acme", "ann")
    world.now += timedelta(hours=1)
    world.enroll(speech("ann"))
    with pytest.raises(Conflict) as refusal:
        world.enroll(speech("ann"), given_at=MORNING - timedelta(minutes=1))
    assert refusal.value.code == "speaker_opted_out"


def test_a_key_from_before_an_opt_out_does_not_hide_an_enrollment_with_newer_consent(world: World) -> None:
    world.enroll(speech("ann"), key="form-1")
    world.now += timedelta(hours=1)
    world.speakers.opt_out("acme", "ann")
    world.now += timedelta(hours=1)
    again = world.enroll(speech("ann"), key="form-1", given_at=world.now)
    assert again.total_speech_seconds > 0


def test_the_newest_consent_is_what_is_kept_whatever_the_order(world: World) -> None:
    newest = MORNING - timedelta(days=1)
    for given_at in (newest - timedelta(days=1), newest, newest - timedelta(days=2)):
        world.enroll(speech("ann"), given_at=given_at)
    consent = world.speakers.get("acme", "ann").consent
    assert consent is not None
    assert consent.given_at == newest


def test_speech_of_other_models_is_not_mixed_in(world: World) -> None:
    world.enroll(speech("ann"))
    world.models = Chords("chords-2")
    world.enroll(speech("ann", 8))
    held = [(each.embedding_space, each.speech_seconds) for each in world.stored("ann").voiceprints]
    assert held == [("chords-1", 6), ("chords-2", 8)]


def test_after_opting_out_enrollment_may_begin_with_other_models(world: World) -> None:
    world.enroll(speech("ann"))
    world.speakers.opt_out("acme", "ann")
    world.models = Chords("chords-2")
    world.now += timedelta(hours=1)
    assert world.enroll(speech("ann")).total_speech_seconds == 6


def test_a_repeated_enrollment_adds_nothing_and_is_answered_alike(world: World) -> None:
    first = world.enroll(speech("ann"), key="one")
    assert world.enroll(speech("ann"), key="one") == first
    assert world.enroll(speech("ann", level=0.21), key="two").total_speech_seconds == 12


def test_the_same_key_for_another_speaker_is_another_enrollment(world: World) -> None:
    world.enroll(speech("ann"), key="one")
    assert world.enroll(speech("bob"), speaker="bob", key="one").total_speech_seconds == 6


def test_audio_is_not_kept_unless_the_domain_says_so(world: World) -> None:
    world.enroll(speech("ann"))
    assert world.audio.objects == {}


def test_a_refused_recording_is_not_kept(world: World) -> None:
    world.put_domain(keep_audio=True)
    with pytest.raises(UnsupportedAudio):
        world.enroll(recording(np.zeros(16000, np.float32)))
    assert world.audio.objects == {}


@pytest.mark.parametrize("leave", ["opt_out", "delete"])
def test_kept_audio_is_erased_with_the_voiceprint(world: World, leave: str) -> None:
    world.put_domain(keep_audio=True)
    world.enroll(speech("ann"))
    world.enroll(speech("bob"), speaker="bob")
    getattr(world.speakers, leave)("acme", "ann")
    assert [key.split("/")[2] for key in world.audio.objects] == ["bob"]


def test_an_enrollment_that_a_deletion_of_the_domain_overtakes_leaves_nothing(world: World) -> None:
    world.put_domain(keep_audio=True)
    world.report = once("before", "put_speaker", lambda: world.domains.delete("acme", force=True))
    with pytest.raises(NotFound) as refusal:
        world.enroll(speech("ann"))
    assert refusal.value.code == "domain_not_found"
    assert world.audio.objects == {}


def test_an_enrollment_that_an_opt_out_overtakes_leaves_nothing(world: World) -> None:
    world.put_domain(keep_audio=True)
    world.enroll(speech("ann"))
    world.report = once("before", "put_speaker", lambda: world.speakers.opt_out("acme", "ann"))
    with pytest.raises(Conflict) as refusal:
        world.enroll(speech("ann"))
    assert refusal.value.code == "speaker_opted_out"
    assert world.audio.objects == {}


def test_a_duplicate_of_an_enrollment_that_an_opt_out_overtakes_leaves_nothing(world: World) -> None:
    world.put_domain(keep_audio=True)
    world.enroll(speech("ann"), key="one")
    world.report = once("before", "keep", lambda: world.speakers.opt_out("acme", "ann"))
    with pytest.raises(Conflict):
        world.enroll(speech("ann"), key="one")
    assert world.audio.objects == {}


def fail_to_read(world: World) -> None:
    raise StoreUnavailable


def close_the_domain(world: World) -> None:
    domain = world.store.domain("acme")
    assert domain
    world.store.put_domain(domain.next(state=DomainState.DELETING))


@pytest.mark.parametrize("disturb", [fail_to_read, close_the_domain])
def test_a_repeated_enrollment_that_fails_leaves_the_audio_of_the_first(
    world: World, disturb: Callable[[World], None]
) -> None:
    world.put_domain(keep_audio=True)
    world.enroll(speech("ann"), key="one")
    kept = dict(world.audio.objects)
    world.report = once(
        "after", "keep", lambda: setattr(world, "report", once("before", "find_with_brake", partial(disturb, world)))
    )
    with pytest.raises((NotFound, StoreUnavailable)):
        world.enroll(speech("ann"), key="one")
    assert world.audio.objects == kept


def test_the_loser_of_a_race_adds_its_speech_to_what_the_winner_wrote(world: World) -> None:
    world.report = once("before", "put_speaker", lambda: world.enroll(speech("ann", 5)))
    assert world.enroll(speech("ann", 6)).total_speech_seconds == 11


def test_an_enrollment_that_a_deletion_overtakes_brings_no_deleted_speech_back(world: World) -> None:
    world.enroll(speech("ann", 7))

    def leave_and_come_back() -> None:
        world.speakers.delete("acme", "ann")
        world.now += timedelta(seconds=1)
        world.enroll(speech("ann", 5))

    world.report = once("before", "put_speaker", leave_and_come_back)
    with pytest.raises(Conflict) as refusal:
        world.enroll(speech("ann", 6))
    assert refusal.value.code == "speaker_deleted"
    assert world.speakers.get("acme", "ann").total_speech_seconds == 5


def test_an_enrollment_that_a_deletion_overtakes_does_not_bring_the_speaker_back(world: World) -> None:
    world.put_domain(keep_audio=True)
    world.enroll(speech("ann"))
    world.report = once("before", "put_speaker", lambda: world.speakers.delete("acme", "ann"))
    with pytest.raises(Conflict) as refusal:
        world.enroll(speech("ann"))
    assert refusal.value.code == "speaker_deleted"
    assert world.store.find("acme", "ann")[1] is None
    assert world.audio.objects == {}


def test_a_race_that_is_lost_again_and_again_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adding, "WRITE_ATTEMPTS", 2)
    other = World(store=world.store)

    def win(when: str, call: str) -> None:
        if (when, call) == ("before", "put_speaker"):
            other.enroll(speech("ann"))

    world.report = win
    with pytest.raises(StoreUnavailable):
        world.enroll(speech("ann"))


def once(when: str, call: str, act: Callable[[], object]) -> Callable[[str, str], None]:
    """Acts at the first such call, and not at those that it makes itself."""
    done: list[bool] = []

    def report(at: str, name: str) -> None:
        if (at, name) == (when, call) and not done:
            done.append(True)
            act()

    return report


RECORDINGS = {f"key-{n}": speech("ann", 0.5 + 0.37 * n, rate=8000 if n % 2 else 16000) for n in range(5)}


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(sorted(RECORDINGS)), max_size=6), st.permutations(sorted(RECORDINGS)))
def test_any_order_and_any_repetition_of_enrollments_makes_the_same_voiceprint(
    repeated: list[str], order: list[str]
) -> None:
    sorted_once, mixed = World(), World()
    for world, keys in ((sorted_once, sorted(RECORDINGS)), (mixed, [*repeated, *order])):
        world.put_domain()
        for key in keys:
            world.enroll(RECORDINGS[key], key=key)
    expected, found = (world.store.find("acme", "ann")[1] for world in (sorted_once, mixed))
    assert expected
    assert found
    assert set(found.applied) == set(expected.applied)
    assert found.voiceprint
    assert expected.voiceprint
    assert found.voiceprint.speech_seconds == pytest.approx(expected.voiceprint.speech_seconds)
    for channel, template in expected.voiceprint.templates.items():
        assert found.voiceprint.templates[channel].recordings == template.recordings
        assert np.allclose(found.voiceprint.templates[channel].total, template.total, atol=1e-4)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.data())
def test_enrollments_that_cut_into_each_other_lose_no_speech(data: st.DataObject) -> None:
    world = World()
    world.put_domain()
    waiting = sorted(RECORDINGS)

    def interfere(when: str, call: str) -> None:
        if call == "put_speaker" and waiting and data.draw(st.booleans()):
            key = waiting.pop()
            world.enroll(RECORDINGS[key], key=key)

    world.report = interfere
    while waiting:
        key = waiting.pop()
        world.enroll(RECORDINGS[key], key=key)
    seconds = sum(0.5 + 0.37 * n for n in range(5))
    assert world.speakers.get("acme", "ann").total_speech_seconds == pytest.approx(seconds, abs=0.06)
