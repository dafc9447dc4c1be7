"""Known fraudsters are registered, found in calls, told to nobody but analysts, and forgotten in time."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from bonafide.adapters.watchlists.memory import MemoryDoubleEnrollmentStore
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.case import Signal
from bonafide.biometrics.decision import Decision, Reason
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.biometrics.watchlists.voices import KnownVoice, KnownVoices
from bonafide.contracts.audio import AudioInput
from bonafide.contracts.decisions import ledger_entry
from bonafide.contracts.watchlists.entries import FraudsterRequest, double_enrollment_list
from bonafide.errors import Conflict, InvalidInput, NotFound, StoreUnavailable, UnsupportedAudio
from bonafide.records.domain import DomainRecord
from bonafide.records.watchlists.entry import LONGEST_KEPT, WatchlistEntry, WatchlistState
from bonafide.services.shared.recordings import from_base64, to_waveform
from bonafide.services.shared.watchlists import searching
from bonafide.services.shared.watchlists.lifecycle import Watchlists
from bonafide.services.shared.watchlists.searching import RETRY_AFTER
from bonafide.services.watchlists import registration
from bonafide.services.watchlists.registration import Registered, Registration
from bonafide.services.watchlists.sweep import (
    MOST_PAIRS,
    NEVER,
    DoubleEnrollments,
    WatchlistSweep,
    double_voices,
)
from tests.services.parts import Chords, World, speech

SPACE = "campplus-a60ad57c7847fda0"
ANALYST = "arn:aws:iam::123456789012:role/analyst"


class Watching(World):
    """A domain with an enrolled speaker, whose models make embeddings of a space that a scale is fitted for."""

    def __init__(self) -> None:
        super().__init__(models=Chords(SPACE))
        self.put_domain()
        self.enroll(speech("ann", 25.0))

    @property
    def registering(self) -> Registration:
        parts = self.store.watchlists, self.store, self.search, self.models, self._recordings
        no_sessions = None
        return Registration(*parts, no_sessions, lambda: self.now)  # type: ignore[arg-type]

    def register(self, audio: AudioInput, name: str = "mallory", listed: str = "known", days: int = 30) -> Registered:
        request = FraudsterRequest(
            audio=audio, legal_basis="lia-7", reason="case 12", expires_at=self.now + timedelta(days=days)
        )
        return self.registering.register(request.to_record("acme", listed, name, ANALYST))

    def reasons(self, caller: str, seconds: float = 8.0) -> list[Reason]:
        return self.authenticate(speech(caller, seconds)).reasons

    @property
    def lists(self) -> Watchlists:
        return Watchlists(self.store.watchlists, self.store, self.search, lambda: self.now)


def waveform(audio: AudioInput) -> Waveform:
    sent = audio.to_record()
    return to_waveform(from_base64(sent.text or ""), sent.format)


@pytest.fixture
def world() -> Watching:
    return Watching()


def test_an_entry_says_who_registered_why_by_which_right_and_until_when(world: Watching) -> None:
    world.register(speech("mallory"))
    entry = world.lists.get("acme", "known", "mallory")
    assert (entry.author, entry.reason, entry.legal_basis) == (ANALYST, "case 12", "lia-7")
    assert entry.expires_at == world.now + timedelta(days=30)
    assert entry.speech_seconds == pytest.approx(6.0, abs=0.1)
    assert WatchlistEntry.from_document(entry.to_document()) == entry


def test_a_fraudster_is_found_from_the_next_call_on_and_never_accepted(world: Watching) -> None:
    assert world.authenticate(speech("ann", 8)).decision is Decision.ACCEPT
    world.register(speech("ann", 6.0, level=0.1), "impersonator")
    answer = world.authenticate(speech("ann", 8))
    assert answer.decision is Decision.STEP_UP
    assert answer.reasons[0] is Reason.WATCHLIST_MATCH
    # An integrator is told the reason, and not which entry of which list.
    assert "impersonator" not in answer.model_dump_json()
    stored = world.decisions.read("acme", answer.decision_id)
    assert stored
    told = ledger_entry(stored).watchlist_match
    assert told
    assert (told.watchlist, told.fraudster, told.searched) == ("known", "impersonator", 1)


def test_a_match_is_named_beside_any_decision(world: Watching) -> None:
    world.register(speech("mallory"))
    answer = world.authenticate(speech("mallory", 8))
    assert answer.reasons == [Reason.VOICE_UNCERTAIN, Reason.WATCHLIST_MATCH]


def test_unlinking_a_decision_takes_the_fraudster_out(world: Watching) -> None:
    world.register(speech("ann", 6.0, level=0.1))
    stored = world.decisions.read("acme", world.authenticate(speech("ann", 8)).decision_id)
    assert stored
    assert stored.watchlist_match
    assert stored.unlinked().watchlist_match is None
    assert Reason.WATCHLIST_MATCH in stored.unlinked().judgement.reasons


def test_a_removed_fraudster_is_not_found_any_more(world: Watching) -> None:
    world.register(speech("mallory"))
    assert Reason.WATCHLIST_MATCH in world.reasons("mallory")
    world.lists.remove("acme", "known", "mallory")
    assert Reason.WATCHLIST_MATCH not in world.reasons("mallory")
    with pytest.raises(NotFound):
        world.lists.remove("acme", "known", "mallory")
    assert world.lists.lists("acme").count == 0


def packed_up_to(world: Watching) -> int:
    packed = world.lists.lists("acme").packed
    return packed.change if packed else 0


def pack(world: Watching) -> None:
    record = world.store.domain("acme")
    assert record
    state = world.store.watchlists.state(record)
    world.store.watchlists.pack(record, world.search.voices(replace(record, watchlists=state)))


def test_a_replaced_and_removed_voice_goes_from_where_voices_are_packed(world: Watching) -> None:
    world.register(speech("mallory"))
    pack(world)
    world.register(speech("oscar"))
    world.lists.remove("acme", "known", "mallory")
    assert packed_up_to(world) == 3


def test_voices_are_packed_when_a_removal_is_asked_for_again_or_daily(
    world: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mallory", "oscar"):
        world.register(speech(name), name)
    pack(world)
    with monkeypatch.context() as failing:
        failing.setattr(world.store.watchlists, "pack", refuse_to_pack)
        for name in ("mallory", "oscar"):
            with pytest.raises(StoreUnavailable):
                world.lists.remove("acme", "known", name)
    assert packed_up_to(world) == 2
    with pytest.raises(NotFound):
        world.lists.remove("acme", "known", "mallory")
    assert packed_up_to(world) == 4
    # An entry that was never packed may be in a pack that is being written.
    world.register(speech("trudy"), "trudy")
    world.lists.take_away("acme", "known", "trudy")
    WatchlistSweep(world.store.watchlists, world.store, world.lists, lambda: world.now).run(lambda: 900.0)
    assert packed_up_to(world) == 6


def refuse_to_pack(*_: object) -> None:
    raise StoreUnavailable


def test_who_packs_sees_what_was_removed_meanwhile(world: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "PACKED_AFTER", 2)
    world.register(speech("mallory"))
    packing, store = type(world.store.watchlists).pack, world.store.watchlists
    removed = list[str]()

    def remove_before(domain: DomainRecord, voices: KnownVoices) -> None:
        if not removed:
            removed.append("mallory")
            world.lists.remove("acme", "known", "mallory")
        packing(store, domain, voices)

    monkeypatch.setattr(store, "pack", remove_before)
    world.register(speech("oscar"), "oscar")
    assert packed_up_to(world) == 3


def test_an_expired_entry_is_not_searched_and_the_daily_job_removes_it(world: Watching) -> None:
    world.register(speech("mallory"), days=1)
    world.register(speech("oscar"), "oscar", days=2)
    world.now += timedelta(days=1)
    assert Reason.WATCHLIST_MATCH not in world.reasons("mallory")
    sweep = WatchlistSweep(world.store.watchlists, world.store, world.lists, lambda: world.now)
    assert sweep.run(lambda: 1.0) == 0
    assert sweep.run(lambda: 900.0) == 1
    assert world.lists.lists("acme").lists == {"known": 1}
    assert [each.fraudster for each in world.lists.list("acme", "known", None, 10).entries] == ["oscar"]


def test_the_daily_job_packs_a_domain_once_and_another_ones_failure_stops_nothing(
    world: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mallory", "oscar", "trudy"):
        world.register(speech(name), name, days=2 if name == "trudy" else 1)
    pack(world)
    store, packed = world.store.watchlists, list[str]()
    for name in ("broken", "damaged"):
        world.put_domain(name)
    reading, packing = store.state, store.pack

    def fail_for_others(domain: DomainRecord) -> WatchlistState:
        if domain.domain != "acme":
            raise StoreUnavailable
        return reading(domain)

    def note(domain: DomainRecord, voices: KnownVoices) -> None:
        packed.append(domain.domain)
        packing(domain, voices)

    monkeypatch.setattr(store, "state", fail_for_others)
    monkeypatch.setattr(store, "pack", note)
    world.now += timedelta(days=1)
    # DynamoDB deletes an entry by itself, too, which no state says.
    store._entries.pop(("acme", "known", "oscar"))
    assert WatchlistSweep(store, world.store, world.lists, lambda: world.now).run(lambda: 900.0) == 1
    assert packed == ["acme"]
    assert world.lists.lists("acme").lists == {"known": 1}


@pytest.mark.parametrize("days", [0, LONGEST_KEPT.days + 1])
def test_an_entry_has_to_expire_within_the_bound(world: Watching, days: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.register(speech("mallory"), days=days)
    assert refused.value.code == "expiry_out_of_range"


def test_too_little_speech_is_refused(world: Watching) -> None:
    with pytest.raises(UnsupportedAudio) as refused:
        world.register(speech("mallory", 0.7))
    assert refused.value.code == "audio_no_speech"


def test_the_same_voice_on_a_list_is_named_and_registered_all_the_same(world: Watching) -> None:
    world.register(speech("mallory"))
    world.register(speech("oscar"), "oscar")
    again = world.register(speech("mallory", 7.0), "trudy", "others")
    assert again.alike == [("known", "mallory")]
    assert world.lists.lists("acme").lists == {"known": 2, "others": 1}


def test_the_same_request_again_changes_nothing(world: Watching) -> None:
    first = world.register(speech("mallory")).entry
    world.now += timedelta(seconds=5)
    request = FraudsterRequest(
        audio=speech("mallory"), legal_basis="lia-7", reason="case 12", expires_at=first.expires_at
    )
    again = world.registering.register(request.to_record("acme", "known", "mallory", ANALYST))
    assert again.entry == first
    assert world.lists.lists("acme").change == first.change


def test_another_voice_under_a_name_takes_the_place_of_the_former(world: Watching) -> None:
    first = world.register(speech("mallory")).entry
    world.now += timedelta(seconds=5)
    second = world.register(speech("oscar")).entry
    assert second.created_at == first.created_at < second.updated_at
    assert Reason.WATCHLIST_MATCH not in world.reasons("mallory")
    assert Reason.WATCHLIST_MATCH in world.reasons("oscar")
    assert world.lists.lists("acme").count == 1


def test_registrations_at_the_same_time_are_all_counted_once(world: Watching) -> None:
    requests = [
        FraudsterRequest(
            audio=speech("mallory", 2.0),
            legal_basis="lia-7",
            reason="case 12",
            expires_at=world.now + timedelta(days=30),
        ).to_record("acme", "known", f"f{number % 8}", ANALYST)
        for number in range(32)
    ]
    service = world.registering
    with ThreadPoolExecutor(32) as threads:
        list(threads.map(service.register, requests))
    state = world.lists.lists("acme")
    assert (state.count, state.change) == (8, 8)


def test_a_domain_has_room_for_so_many_entries_only(world: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "MOST_ENTRIES", 1)
    world.register(speech("mallory"))
    with pytest.raises(Conflict) as refused:
        world.register(speech("oscar"), "oscar")
    assert refused.value.code == "watchlists_full"


def test_while_the_store_is_down_nobody_is_accepted_and_the_signal_is_named(world: Watching) -> None:
    world.register(speech("mallory"))
    world.store.watchlists.down = StoreUnavailable
    answer = world.authenticate(speech("ann", 8))
    assert answer.decision is Decision.STEP_UP
    assert answer.degraded == ["watchlist"]
    assert Reason.SIGNAL_MISSING in answer.reasons


def test_voices_that_are_known_already_are_searched_while_the_store_is_down(world: Watching) -> None:
    world.register(speech("mallory"))
    search, domain = world.search, world.store.find_with_brake("acme", "ann")[0]
    assert domain
    evidence = world.models.observe(waveform(speech("mallory", 8)))
    assert search.look(domain, evidence).alerts == (Reason.WATCHLIST_MATCH,)
    world.register(speech("oscar"), "oscar")
    world.store.watchlists.down = StoreUnavailable
    domain = world.store.find_with_brake("acme", "ann")[0]
    assert domain
    found = search.look(domain, evidence)
    assert (found.alerts, found.missing) == ((Reason.WATCHLIST_MATCH,), (Signal.WATCHLIST,))
    # The store is not asked with every decision while it is down.
    world.store.watchlists.down = None
    assert search.look(domain, evidence).missing == (Signal.WATCHLIST,)
    world.now += RETRY_AFTER
    assert search.look(domain, evidence).missing == ()


def test_a_domain_without_watchlists_asks_no_store(world: Watching) -> None:
    world.store.watchlists.down = StoreUnavailable
    assert world.authenticate(speech("ann", 8)).decision is Decision.ACCEPT


def test_a_state_that_could_not_be_read_is_named(world: Watching) -> None:
    domain = world.store.domain("acme")
    assert domain
    found = world.search.look(replace(domain, watchlists=None), None)
    assert found.missing == (Signal.WATCHLIST,)


def test_without_a_scale_for_the_network_the_signal_is_missing(world: Watching) -> None:
    world.register(speech("mallory"))
    domain = world.store.find_with_brake("acme", "ann")[0]
    assert domain
    found = world.search.look(domain, Chords("chords-1").observe(waveform(speech("mallory"))))
    assert found.missing == (Signal.WATCHLIST,)


def test_no_more_voices_are_kept_than_there_is_room_for(world: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_KEPT_BYTES", 0)
    world.register(speech("mallory"))
    search = world.search
    for domain in ("acme", "other", "acme"):
        record = world.store.find_with_brake("acme", "ann")[0]
        assert record
        search.voices(replace(record, domain="acme", created_at=record.created_at + timedelta(len(domain))))
        assert len(search._kept) == 1


def test_one_voice_under_two_names_is_found(world: Watching) -> None:
    for speaker, voice in (("bea", "bea"), ("cid", "cid"), ("bea2", "bea")):
        world.enroll(speech(voice, 25.0, level=0.1), speaker=speaker)
    doubles = DoubleEnrollments(MemoryDoubleEnrollmentStore(), world.store, "probes", lambda: world.now)
    assert doubles.run(lambda: 900.0) == 1
    shown = double_enrollment_list(doubles.report("acme"))
    assert [each.speakers for each in shown.double_enrollments] == [["bea", "bea2"]]
    assert (shown.compared_speakers, shown.complete) == (4, True)
    report = doubles.report("acme")
    assert report
    assert type(report).from_document(report.to_document()) == report
    assert report.without("bea2").pairs == ()
    # Without time the report of the day before stays.
    assert doubles.run(lambda: 1.0) == 0
    assert doubles.report("acme") == report


def test_the_domain_that_was_not_searched_for_longest_comes_first_and_has_all_the_time(world: Watching) -> None:
    world.put_domain("other")
    doubles = DoubleEnrollments(MemoryDoubleEnrollmentStore(), world.store, "probes", lambda: world.now)
    # The time of the first domain ends before its first speaker: nobody has more for it, so that is what is told.
    doubles.run(iter([900.0, 1.0, 1.0]).__next__)
    assert [doubles.report("other"), compared(doubles)] == [None, (0, False)]
    world.now += timedelta(days=1)
    # The other one is next, and what there was no time for keeps its report.
    doubles.run(iter([900.0, 900.0, 1.0]).__next__)
    assert doubles.report("other")
    assert compared(doubles) == (0, False)
    world.now += timedelta(days=1)
    doubles.run(iter([900.0, 900.0, 1.0]).__next__)
    assert compared(doubles) == (1, True)


@pytest.mark.parametrize("written", [False, True])
def test_who_is_erased_during_the_search_is_in_no_report(world: Watching, *, written: bool) -> None:
    for speaker, voice in (("bea", "bea"), ("bea2", "bea")):
        world.enroll(speech(voice, 25.0, level=0.1), speaker=speaker)
    store = MemoryDoubleEnrollmentStore()
    finding, reads = world.store.find, Counter[str]()

    def find(domain: str, speaker: str) -> object:
        reads[speaker] += 1
        # The first read is of the voice, the second before the report is written, the third after it.
        gone = speaker == "bea2" and reads[speaker] > 1 + written
        return (finding(domain, speaker)[0], None) if gone else finding(domain, speaker)

    world.store.find = find  # type: ignore[method-assign, assignment]
    doubles = DoubleEnrollments(store, world.store, "probes", lambda: world.now)
    doubles.run(lambda: 900.0)
    report = doubles.report("acme")
    assert report
    assert report.pairs == ()
    assert reads["bea2"] == 2 + written


def compared(doubles: DoubleEnrollments) -> tuple[int, bool]:
    report = doubles.report("acme")
    assert report
    return report.compared, report.complete


def test_of_many_doubles_the_surest_are_kept() -> None:
    evidence = Chords(SPACE).observe(waveform(speech("ann", 25.0)))
    prints = (Voiceprint.of([evidence]),)
    voices = [KnownVoice(("", f"speaker-{number:03}"), prints, NEVER) for number in range(300)]
    found = double_voices(voices)
    assert len(found) == MOST_PAIRS
    assert len({each.speakers for each in found}) == MOST_PAIRS
