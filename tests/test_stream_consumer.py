"""The consumer of the audio stream: delivered again after any interruption, it loses nothing and does nothing twice."""

import base64
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bonafide.errors import Unavailable
from bonafide.observability import InvocationFailed
from bonafide.records.domain import DomainState, Retention
from bonafide.records.stream import ShardLag
from tests.services.parts import Fate, Killed
from tests.streamed import DOMAIN, Deployment, Script, chunks, sent

GENUINE = Script("genuine", "grace", "grace", 3)
OTHER = Script("other", "atkins", "atkins", 2)
GARBAGE = b"\xff{ not an event"
UNKNOWN = sent("nobody", 0, chunks("grace", 3)[0])
NO_AUDIO = sent("genuine", 7, b"")
POISON = {GARBAGE: "event_invalid", UNKNOWN: "session_not_found", NO_AUDIO: "audio_empty"}
BATCH = [
    GENUINE.chunk(0),
    GARBAGE,
    OTHER.chunk(1),
    GENUINE.chunk(2),
    UNKNOWN,
    GENUINE.end,
    OTHER.chunk(0),
    NO_AUDIO,
    GENUINE.chunk(1),
    OTHER.end,
]


@dataclass
class Shard:
    """Delivers a batch as Lambda does: from the lowest failed record on, until all of it is done."""

    line: Deployment
    records: list[dict[str, Any]]
    deliveries: int = 0
    interruptions: list[BaseException] = field(default_factory=list)

    def drain(self) -> None:
        while self.records:
            assert self.deliveries < 50
            self.deliveries += 1
            self.records = self._rest()

    def _rest(self) -> list[dict[str, Any]]:
        try:
            answer = self.line.entry({"Records": self.records})
        except (Killed, Exception) as error:
            self.interruptions.append(error)
            return self.records
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        places = [n for n, each in enumerate(self.records) if each["kinesis"]["sequenceNumber"] in failed]
        return self.records[min(places) :] if places else []


class Throttle(Fate):
    """Makes one write fail, before or after it takes effect, and all later ones work."""

    def __call__(self, when: str, call: str) -> None:
        try:
            super().__call__(when, call)
        except Killed:
            self.at = 0
            raise Unavailable("store_unavailable", "Throttled.") from None


class Death(Fate):
    """Kills once."""

    def __call__(self, when: str, call: str) -> None:
        try:
            super().__call__(when, call)
        except Killed:
            self.at = 0
            raise


def delivered(fate: Callable[[str, str], None]) -> tuple[Deployment, Shard]:
    line = Deployment()
    line.start(GENUINE, OTHER)
    line.report = fate
    shard = Shard(line, line.records(BATCH))
    shard.drain()
    return line, shard


def state(line: Deployment) -> dict[str, Any]:
    return {
        "evidence": {name: line.evidence(name) for name in ("genuine", "other")},
        "decisions": {name: line.final(name) for name in ("genuine", "other")},
        "final": [line.is_final(name) for name in ("genuine", "other")],
        "failures": line.failures.documents,
        "names": sorted(line.decisions.documents),
    }


def test_poison_is_set_aside_with_its_reason_and_all_its_neighbors_are_scored() -> None:
    line, shard = delivered(Fate(0, ""))
    assert shard.deliveries == 1
    assert state(line)["final"] == [True, True]
    assert [len(line.rows(name)) for name in ("genuine", "other")] == [3, 2]
    found = {int(name.rpartition("/")[2]): each["reason"]["code"] for name, each in line.failures.documents.items()}
    assert found == {BATCH.index(data): code for data, code in POISON.items()}


def test_what_is_set_aside_says_all_that_a_replay_needs() -> None:
    line, _ = delivered(Fate(0, ""))
    document = next(each for name, each in line.failures.documents.items() if name.endswith(f"/{1:056d}"))
    assert document["event_id"] == "shardId-000000000000:" + f"{1:056d}"
    assert document["partition_key"] == "partition"
    assert document["stream"] == "arn:aws:kinesis:eu-west-1:123456789012:stream/audio"
    assert document["reason"].keys() == {"code", "detail", "field"}


def set_aside(line: Deployment, data: bytes, partition: str = f"{DOMAIN}#genuine") -> bytes | None:
    """What is kept of the data of a record that cannot be scored."""
    (record,) = line.records([data])
    record["kinesis"]["partitionKey"] = partition
    assert line.entry({"Records": [record]}) == {"batchItemFailures": []}
    place = record["eventID"].replace(":", "/")
    kept = next(each for name, each in line.failures.documents.items() if name.endswith(f"/{place}")).get("data")
    return base64.b64decode(kept) if kept is not None else None


@pytest.mark.parametrize("data", [GARBAGE, NO_AUDIO])
def test_audio_is_set_aside_only_for_a_domain_that_keeps_audio(data: bytes) -> None:
    line = Deployment()
    line.start(GENUINE)
    assert set_aside(line, data) is None
    record = line.domains.domain(DOMAIN)
    assert record is not None
    line.domains.put_domain(replace(record, retention=Retention(30, True), version=2))
    assert set_aside(line, data) == data
    # Of a session that is not there, perhaps since it was erased, nothing is kept.
    assert set_aside(line, UNKNOWN, f"{DOMAIN}#nobody") is None
    line.domains.put_domain(replace(record, retention=Retention(30, True), state=DomainState.DELETING, version=3))
    assert set_aside(line, data) is None


def test_a_chunk_of_an_unknown_version_is_set_aside_and_scored_when_it_is_replayed() -> None:
    line = Deployment()
    line.start(GENUINE)
    chunk = GENUINE.chunk(0)
    later = b"\x03" + chunk[1:]
    assert set_aside(line, later) is None
    (document,) = line.failures.documents.values()
    assert document["reason"]["code"] == "event_invalid"
    # The consumer that knows it reads the same record.
    assert line.entry({"Records": line.records([chunk])}) == {"batchItemFailures": []}
    assert [row.chunk.number for row in line.rows("genuine")] == [0]


@pytest.mark.parametrize("partition", ["", "#", "#call", "nobody#call", "nobody"])
def test_what_may_be_audio_of_nobody_known_is_not_kept(partition: str) -> None:
    assert set_aside(Deployment(), GARBAGE, partition) is None


def test_an_event_without_audio_is_set_aside_whole() -> None:
    assert set_aside(Deployment(), GENUINE.end) == GENUINE.end


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", [Death, Throttle])
def test_wherever_a_worker_stops_the_batch_delivered_again_ends_the_same(kind: type[Fate], when: str) -> None:
    counted = Fate(0, "")
    undisturbed = state(delivered(counted)[0])
    assert counted.writes > 12
    for at in range(1, counted.writes + 1):
        fate = kind(at, when)
        line, shard = delivered(fate)
        assert state(line) == undisturbed, f"{when} write {at}"
        assert fate.at == 0, f"write {at} was never reached"
        assert all(isinstance(each, Killed) for each in shard.interruptions)


def test_a_worker_that_is_killed_right_after_every_single_write_still_gets_there() -> None:
    def report(when: str, call: str) -> None:
        if (when, call) in {("after", "put_evidence"), ("after", "put_session"), ("after", "append")}:
            raise Killed

    line = Deployment()
    line.start(GENUINE, OTHER)
    line.report = report
    shard = Shard(line, line.records(BATCH))
    with pytest.raises(AssertionError):
        # A decision is appended again by whoever finds it missing in the call, so nobody gets past it here.
        shard.drain()
    line.report = Fate(0, "")
    Shard(line, shard.records).drain()
    assert state(line) == state(delivered(Fate(0, ""))[0])


def test_a_record_that_no_retry_helps_yet_is_reported_and_its_neighbors_are_scored() -> None:
    line = Deployment()
    line.start(GENUINE)
    records = line.records(GENUINE.events)
    calls = 0

    def report(when: str, call: str) -> None:
        nonlocal calls
        calls += call == "put_evidence" and when == "before"
        if call == "put_evidence" and when == "before" and calls == 2:
            raise Unavailable("store_unavailable", "Throttled.")

    line.report = report
    answer = line.entry({"Records": records})
    assert answer == {"batchItemFailures": [{"itemIdentifier": records[1]["kinesis"]["sequenceNumber"]}]}
    assert sorted(row.chunk.number for row in line.rows("genuine")) == [0, 2]
    assert not line.is_final("genuine")
    assert not line.failures.documents


@pytest.mark.parametrize("fault", [None, Unavailable("store_unavailable", "Throttled."), Killed()])
def test_each_batch_leaves_word_of_how_long_its_oldest_record_had_waited_even_if_it_fails(
    fault: BaseException | None,
) -> None:
    line = Deployment()
    line.start(GENUINE)
    records = line.records([GENUINE.chunk(0)])
    line.now += timedelta(seconds=4)

    def report(when: str, call: str) -> None:
        if fault and (when, call) == ("before", "put_evidence"):
            raise fault

    line.report = report
    with suppress(Killed, InvocationFailed):
        line.entry({"Records": records})
    assert line.lags.lag("shardId-000000000000") == ShardLag(4.0, line.now)
