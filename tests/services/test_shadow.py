"""The shadow never changes an answer, is given nothing without reason, and leaves no audio behind."""

import json
import zlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bonafide.adapters.memory.shadow import MemoryShadowAudio, MemoryShadowResults
from bonafide.contracts.authentications import AuthenticationRequest, decision_view
from bonafide.contracts.domains import DomainSettings
from bonafide.errors import StoreUnavailable
from bonafide.observability import measurements
from bonafide.services.authentication import AuthenticationRequested, AuthenticationService
from bonafide.services.shadow import ShadowReading, ShadowScoring, ShadowSweep
from bonafide.services.shared.recordings import Recordings
from bonafide.services.shared.shadow import offers
from bonafide.services.shared.shadow.offers import ChunkOffers, ShadowOffers, chosen
from bonafide.services.streaming.scoring import ChunkScoring
from tests.services.parts import MORNING, Chords, Killed, World, context, speech
from tests.streamed import DOMAIN, Deployment, Remembering, Script


class Challenger(Chords):
    """Models of another bundle, for which every voice is synthetic."""

    digest = "e" * 64


class Shadowed(World):
    """A deployment whose authentications are offered to the shadow."""

    def prepare(self, *, allowed: bool = True) -> None:
        self.waiting = MemoryShadowAudio(lambda: self.now)
        self.results = MemoryShadowResults()
        self.challenger: str | None = "e" * 64
        self.registry_reads = 0
        self.seconds = 0.0
        settings = {"retention": {"shadow_audio": allowed}, "policy": {}}
        self.domains.put("acme", DomainSettings.model_validate(settings))
        self.enroll(speech("ann", 30.0))
        self.offers = ShadowOffers(self.waiting, self._alias, 1.0, lambda: self.seconds)

    def _alias(self) -> str | None:
        self.registry_reads += 1
        return self.challenger

    def call(self, key: str, *, shadowed: bool = True) -> str:
        """Returns the answer as text."""
        audio = speech("ann")
        shadow = self.offers if shadowed else None
        stores = self.environment, self.models, Recordings(self.audio), self.decisions, self.attempts, self.callers
        service = AuthenticationService(*stores, self.book, self.replays, self.risks, lambda: self.now, shadow)
        asked = context(AuthenticationRequest(audio=audio), key)
        record = service.authenticate(AuthenticationRequested("acme", "ann", audio.to_record(), None, asked))
        answer = decision_view(record).model_dump(mode="json")
        return json.dumps({name: value for name, value in answer.items() if name != "latency_ms"})

    def score(self, models: Any = None, seconds: float = 10.0) -> int:
        scoring = ShadowScoring(self.store, self.decisions, self.waiting, self.results, lambda: self.now)
        found = models if models is not None else Challenger(liveness=-3.0)
        return scoring.run(found if callable(found) else lambda: found, lambda: seconds)


@pytest.fixture
def world() -> Shadowed:
    made = Shadowed()
    made.prepare()
    return made


def broken(*_: Any) -> Any:
    raise StoreUnavailable


def test_an_answer_is_the_same_to_the_byte_whatever_becomes_of_the_shadow(
    world: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.call("first")
    assert world.call("key", shadowed=False) == world.call("key")
    alone = Shadowed()
    alone.prepare()
    expected = alone.call("other", shadowed=False)
    monkeypatch.setattr(world.waiting, "put", broken)
    lost = len(measurements.pending().get("ShadowOffersLost", []))
    assert world.call("other") == expected
    assert len(measurements.pending()["ShadowOffersLost"]) == lost + 1
    monkeypatch.undo()
    before = dict(world.waiting.objects)
    world.call("next")
    # Nothing is offered for a minute after that.
    assert world.waiting.objects == before
    world.seconds = 61.0
    world.call("asks")
    world.call("puts")
    assert len(world.waiting.objects) == len(before) + 1


def test_a_registry_that_does_not_answer_changes_no_answer_and_is_not_asked_again_at_once(
    world: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []

    def unanswered() -> Any:
        reads.append(1)
        return broken()

    world.offers = ShadowOffers(world.waiting, unanswered, 1.0, lambda: world.seconds)
    assert '"decision"' in world.call("a")
    world.call("b")
    assert len(reads) == 1
    assert world.waiting.objects == {}


def test_a_request_makes_one_call_for_the_shadow_at_most(world: Shadowed) -> None:
    world.call("a")
    assert (world.registry_reads, len(world.waiting.objects)) == (1, 0)
    world.call("b")
    assert (world.registry_reads, len(world.waiting.objects)) == (1, 1)


def test_without_a_challenger_nothing_is_sent(world: Shadowed) -> None:
    world.challenger = None
    for key in "abc":
        world.call(key)
    assert world.waiting.objects == {}
    world.seconds, world.challenger = 61.0, "e" * 64
    world.call("d")
    world.call("e")
    assert len(world.waiting.objects) == 1


def test_where_the_domain_does_not_allow_it_nothing_is_asked_or_sent() -> None:
    world = Shadowed()
    world.prepare(allowed=False)
    for key in "ab":
        world.call(key)
    assert (world.registry_reads, world.waiting.objects) == (0, {})


def test_the_sample_is_as_large_as_it_is_set_and_the_same_everywhere() -> None:
    names = [f"{number:x}" for number in range(20_000)]
    assert sum(chosen(name, 0.05) for name in names) == pytest.approx(1000, abs=120)
    assert not any(chosen(name, 0.0) for name in names)
    assert all(chosen(name, 1.0) for name in names)
    assert [chosen(name, 0.5) for name in names[:9]] == [zlib.crc32(name.encode()) < 2**31 for name in names[:9]]


def test_champion_and_challenger_stand_side_by_side_and_the_audio_is_gone(world: Shadowed) -> None:
    world.call("a")
    world.call("b")
    assert world.score() == 1
    assert world.waiting.objects == {}
    (result,) = ShadowReading(world.store, world.results).get("acme", MORNING - timedelta(days=1))
    assert (result.champion.decision, result.champion.liveness_llr) == ("ACCEPT", 4.0)
    assert (result.challenger.decision, result.challenger.liveness_llr) == ("STEP_UP", -3.0)
    assert result.challenger.speaker_llr == pytest.approx(result.champion.speaker_llr)
    assert not {"ann", "embeddings"} & set(json.dumps(result.to_document()).split('"'))


def test_a_challenger_of_another_space_is_compared_by_liveness_alone(world: Shadowed) -> None:
    world.call("a")
    world.call("b")
    assert world.score(Challenger("chords-2", liveness=-3.0)) == 1
    (result,) = world.results.results("acme", MORNING - timedelta(days=1), 10)
    assert (result.challenger.decision, result.challenger.speaker_llr) == (None, None)
    assert result.challenger.liveness_llr == -3.0


def test_a_challenger_that_cannot_be_loaded_scores_nothing_and_keeps_no_audio(world: Shadowed) -> None:
    world.call("a")
    world.call("b")
    assert world.score(broken) == 0
    assert world.waiting.objects == {}


def test_a_recording_that_cannot_be_scored_is_deleted_and_the_next_one_is_scored(world: Shadowed) -> None:
    for key in "abc":
        world.call(key)
    first = next(iter(world.waiting.objects))
    world.waiting.objects[first] = b"{}\nno audio"
    assert world.score() == 1
    assert world.waiting.objects == {}


def test_who_left_or_no_longer_allows_it_is_not_scored(world: Shadowed) -> None:
    world.call("a")
    world.call("b")
    world.domains.put("acme", DomainSettings.model_validate({"retention": {"shadow_audio": False}}))
    assert world.score() == 0
    assert world.waiting.objects == {}


def test_no_audio_waits_longer_than_an_hour(world: Shadowed) -> None:
    world.call("a")
    world.call("b")
    world.now += timedelta(minutes=30)
    world.call("c")
    world.now += timedelta(minutes=31)
    left = ShadowSweep(world.waiting, lambda: world.now).sweep()
    assert [each.put_at for each in left] == [MORNING + timedelta(minutes=30)]
    assert list(world.waiting.objects) == left


def test_work_ends_when_its_time_is_over(world: Shadowed) -> None:
    world.call("a")
    world.call("b")
    assert world.score(seconds=0.0) == 0
    assert len(world.waiting.objects) == 1


def test_a_domain_of_the_release_before_allows_nothing(world: Shadowed) -> None:
    record = world.store.domain("acme")
    assert record
    document = record.to_document()
    del document["retention"]["shadow_audio"]
    assert replace(type(record).from_document(document)).retention.shadow_audio is False
    assert isinstance(record.created_at, datetime)


def test_what_one_environment_puts_in_a_minute_has_a_bound(world: Shadowed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "MOST_OFFERS", 2)
    for key in "abcde":
        world.call(key)
    assert len(world.waiting.objects) == 2


@dataclass
class ShadowedStream(Deployment):
    """The streaming half of a deployment, whose chunks are offered to the shadow."""

    allowed: bool = True
    waiting: MemoryShadowAudio = field(default_factory=MemoryShadowAudio)
    results: MemoryShadowResults = field(default_factory=MemoryShadowResults)

    def __post_init__(self) -> None:
        super().__post_init__()
        domain = self.domains.domain(DOMAIN)
        assert domain
        retention = replace(domain.retention, shadow_audio=self.allowed)
        self.domains.put_domain(replace(domain, retention=retention, version=domain.version + 1))
        self.waiting = MemoryShadowAudio(lambda: self.now)
        offers = ShadowOffers(self.waiting, lambda: "e" * 64, 1.0, lambda: 0.0)
        self.chunk_offers = ChunkOffers(offers, self.domains)

    @property
    def scoring(self) -> ChunkScoring:
        stores = self.sessions, self.lags, self.models, self.judge, self._clock
        return ChunkScoring(*stores, shadow=self.chunk_offers)

    def score(self) -> int:
        scoring = ShadowScoring(self.domains, self.decisions, self.waiting, self.results, lambda: self.now)
        return scoring.run(lambda: Remembering(digest="e" * 64), lambda: 10.0)


SCRIPT = Script("call", "grace", "grace")


def streamed(*events: bytes, allowed: bool = True) -> ShadowedStream:
    line = ShadowedStream(allowed=allowed)
    line.start(SCRIPT)
    for event in events:
        line.take(event)
    return line


def test_a_session_waits_for_its_decision_and_is_folded_as_the_champion_folds_it() -> None:
    first, *rest = SCRIPT.events
    line = streamed(first, first)
    assert (line.score(), len(line.waiting.objects)) == (0, 1)
    for event in reversed(rest):
        line.take(event)
    assert (line.score(), line.waiting.objects) == (1, {})
    (result,) = line.results.results(DOMAIN, MORNING, 10)
    assert (result.chunks, result.champion.milliseconds) == (4, None)
    # The same models under another name say the same, to the last bit.
    champion, challenger = (replace(each, bundle="", milliseconds=0) for each in (result.champion, result.challenger))
    assert champion == challenger
    assert champion.speaker_llr is not None
    record = line.sessions.session(DOMAIN, "call")
    assert record
    assert result.decision_id == record.decision_id


@pytest.mark.parametrize("broken_part", ["put", "domain"])
def test_a_broken_shadow_changes_no_evidence_and_no_decision_of_a_session(
    broken_part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = streamed(*SCRIPT.events, allowed=False)
    assert alone.waiting.objects == {}
    line = streamed()
    calls: list[int] = []

    def counted(*_: Any) -> None:
        calls.append(1)
        broken()

    place = line.waiting if broken_part == "put" else line.chunk_offers._domains
    with monkeypatch.context() as patched:
        patched.setattr(place, broken_part, counted)
        patched.setattr(line, "environment", alone.environment)
        for event in SCRIPT.events:
            line.take(event)
    assert len(calls) == 1
    assert line.final("call") == alone.final("call")
    assert line.evidence("call") == alone.evidence("call")


def test_a_session_of_which_a_chunk_is_missing_is_not_compared_and_leaves_no_audio() -> None:
    line = streamed(*SCRIPT.events)
    line.waiting.objects.pop(next(iter(line.waiting.objects)))
    assert (line.score(), line.waiting.objects) == (0, {})


def test_what_kills_the_challenger_is_not_taken_a_second_time() -> None:
    line = streamed(*SCRIPT.events)

    def killed() -> Any:
        raise Killed

    scoring = ShadowScoring(line.domains, line.decisions, line.waiting, line.results, lambda: line.now)
    models = Remembering(digest="e" * 64)
    models.find_speech = lambda waveform: killed()  # type: ignore[method-assign]
    with pytest.raises(Killed):
        scoring.run(lambda: models, lambda: 10.0)
    assert line.waiting.objects == {}
