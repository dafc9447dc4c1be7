"""The life of a call, and the door of its audio."""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from bonafide.biometrics.evidence import Channel
from bonafide.contracts.events import parse
from bonafide.contracts.sessions import ChunkRequest, ClaimRequest, EndRequest, SessionRequest
from bonafide.errors import BonafideError, Overloaded
from bonafide.http.problems import CHUNK_FIELDS, FORMAT_FIELDS, FieldNames, status_of
from bonafide.records.domain import DomainState
from bonafide.records.session import IDLE, LONGEST_SESSION
from bonafide.records.stream import LAG_HELD, ShardLag
from bonafide.services.streaming.admission import LAG
from tests.audio.wav_writer import wav
from tests.streamed import DOMAIN, Deployment, Script, chunks

CALL = Script("call", "grace", "grace")
SHARD = "shardId-000000000000"


def a_line() -> Deployment:
    line = Deployment()
    line.start(CALL)
    return line


def request(content: bytes, **stated: Any) -> ChunkRequest:
    return ChunkRequest(content=base64.b64encode(content).decode(), **stated)


def put(line: Deployment, number: int = 0, content: bytes | None = None, **stated: Any) -> None:
    line.intake.put(DOMAIN, "call", number, request(chunks("grace")[0] if content is None else content, **stated))


def end(line: Deployment, count: int = 4) -> None:
    line.intake.end(DOMAIN, "call", EndRequest(chunks=count))


def refused(call: Callable[[], object], fields: FieldNames = CHUNK_FIELDS) -> tuple[int, str, str | None]:
    with pytest.raises(BonafideError) as refusal:
        call()
    error = refusal.value
    return status_of(error), error.code, fields.get(error.subject, error.subject) if error.subject else None


def test_what_the_door_takes_can_be_scored() -> None:
    line = a_line()
    for number, content in enumerate(chunks("grace")):
        put(line, number, content)
    end(line)
    for _, event in line.stream.events:
        line.take(event)
    assert line.final("call")["decision"] == "ACCEPT"


def test_all_events_of_a_call_go_to_one_partition() -> None:
    line = a_line()
    put(line)
    end(line)
    assert {partition for partition, _ in line.stream.events} == {"acme#call"}
    assert [parse(event).session for _, event in line.stream.events] == ["call", "call"]


@pytest.mark.parametrize("call", ["get", "evaluate"])
def test_an_unknown_call_is_not_found(call: str) -> None:
    found = refused(lambda: getattr(a_line().calls, call)(DOMAIN, "unknown"))
    assert found == (404, "session_not_found", "session")


def test_nothing_is_taken_for_an_unknown_call() -> None:
    line = a_line()
    assert refused(lambda: line.intake.put(DOMAIN, "unknown", 0, request(b"")))[1] == "session_not_found"
    assert refused(lambda: line.intake.put("other", "call", 0, request(b"")))[1] == "domain_not_found"
    assert refused(lambda: line.intake.end(DOMAIN, "unknown", EndRequest(chunks=1)))[1] == "session_not_found"
    assert not line.stream.events


def test_nothing_is_taken_for_a_call_whose_domain_is_deleted() -> None:
    line = a_line()
    record = line.domains.domain(DOMAIN)
    assert record is not None
    line.domains.put_domain(replace(record, state=DomainState.EMPTYING, version=2))
    put(line)
    line.domains.put_domain(replace(record, state=DomainState.DELETING, version=3))
    assert refused(lambda: put(line)) == (404, "domain_not_found", "domain")
    line.domains.delete_domain(replace(record, version=3))
    assert refused(lambda: put(line)) == (404, "domain_not_found", "domain")
    assert refused(lambda: end(line)) == (404, "domain_not_found", "domain")
    assert len(line.stream.events) == 1


def test_no_call_starts_in_an_unknown_domain() -> None:
    asked = SessionRequest.model_validate({"format": {"encoding": "wav"}})
    assert refused(lambda: Deployment().calls.start("other", asked, None))[:2] == (404, "domain_not_found")


@pytest.mark.parametrize("encoding", ["pcm_s16le", "alaw", "mulaw"])
@pytest.mark.parametrize(
    ("stated", "code", "field"),
    [
        ({}, "audio_rate_required", "format.sample_rate"),
        ({"sample_rate": 8000, "channel": 1}, "audio_channel_out_of_range", "format.channel"),
    ],
)
def test_a_format_that_no_chunk_could_have_starts_no_call(
    encoding: str, stated: dict[str, Any], code: str, field: str
) -> None:
    asked = SessionRequest.model_validate({"format": {"encoding": encoding, **stated}})
    assert refused(lambda: Deployment().calls.start(DOMAIN, asked, None), FORMAT_FIELDS) == (400, code, field)


def test_a_start_repeated_under_one_key_finds_the_first_call() -> None:
    line = Deployment()
    asked = SessionRequest.model_validate({"format": {"encoding": "wav"}})
    first = line.calls.start(DOMAIN, asked, "key")
    line.now += timedelta(seconds=1)
    assert line.calls.start(DOMAIN, asked, "key") == first
    assert line.calls.start(DOMAIN, asked, None).session_id != first.session_id


def test_a_key_that_started_a_call_finds_none_in_a_domain_that_was_made_anew() -> None:
    line = Deployment()
    asked = SessionRequest.model_validate({"format": {"encoding": "wav"}})
    line.calls.start(DOMAIN, asked, "key")
    owner = line.domains.domain(DOMAIN)
    assert owner
    line.domains.delete_domain(owner)
    line.now += timedelta(seconds=1)
    line.domains.put_domain(replace(owner, created_at=line.now))
    assert refused(lambda: line.calls.start(DOMAIN, asked, "key"))[:2] == (409, "answer_outdated")


def test_after_the_end_only_chunks_of_the_call_are_taken() -> None:
    line = a_line()
    end(line, 2)
    put(line, 1)
    assert refused(lambda: put(line, 2)) == (400, "chunk_out_of_range", "n")


def test_the_end_is_taken_again_but_not_with_another_count() -> None:
    line = a_line()
    end(line, 2)
    end(line, 2)
    assert refused(lambda: end(line, 3)) == (409, "session_ended", "chunks")


def test_a_final_call_takes_nothing_more() -> None:
    line = a_line()
    line.now += IDLE
    line.closing.close_overdue(lambda: 60.0)
    assert refused(lambda: put(line)) == (409, "session_final", "session")
    assert refused(lambda: end(line)) == (409, "session_final", "session")
    claim = ClaimRequest(speaker="daws")
    assert refused(lambda: line.calls.claim(DOMAIN, "call", claim)) == (409, "session_final", "session")


def test_an_expired_call_takes_no_more_audio() -> None:
    line = a_line()
    line.now += LONGEST_SESSION - timedelta(seconds=1)
    put(line)
    line.now += timedelta(seconds=1)
    assert refused(lambda: put(line)) == (409, "session_expired", "session")


@pytest.mark.parametrize(
    ("stated", "field"),
    [({"encoding": "alaw"}, "encoding"), ({"sample_rate": 16000}, "sample_rate"), ({"channel": 1}, "channel")],
)
def test_a_call_keeps_its_format(stated: dict[str, Any], field: str) -> None:
    line = a_line()
    put(line, encoding="mulaw", sample_rate=8000)
    assert refused(lambda: put(line, **stated)) == (409, "chunk_format_changed", field)


@pytest.mark.parametrize("content", [wav(np.zeros(8000, np.int16), 8000), b"fLaC" + b"\0" * 8000])
def test_a_file_in_a_call_of_raw_samples_is_another_format(content: bytes) -> None:
    line = a_line()
    assert refused(lambda: put(line, content=content)) == (409, "chunk_format_changed", "encoding")
    assert not line.stream.events


@pytest.mark.parametrize(
    "beginning", [b"OggS", b"RF64", b"\x1aE\xdf\xa3", b".snd", b"caff", b"\0\0\0\x20ftyp", b"ID3\4"]
)
def test_any_other_file_in_a_call_of_raw_samples_is_mislabeled(beginning: bytes) -> None:
    line = a_line()
    assert refused(lambda: put(line, content=beginning + b"\0" * 16_000))[:2] == (422, "audio_mislabeled")
    assert not line.stream.events


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "audio_empty"), (b"\xff" * 3999, "audio_too_short"), (b"\xff" * 120001, "chunk_too_long")],
)
def test_audio_that_could_not_be_scored_does_not_pass_the_door(content: bytes, code: str) -> None:
    line = a_line()
    status, found, field = refused(lambda: put(line, content=content))
    assert (status, found, field) == (422, code, "content")
    assert not line.stream.events


def test_what_is_not_base64_does_not_pass_the_door() -> None:
    line = a_line()
    chunk = ChunkRequest(content="not base64!")
    assert refused(lambda: line.intake.put(DOMAIN, "call", 0, chunk)) == (400, "audio_not_base64", "content")


def test_a_chunk_that_no_record_of_the_stream_holds_is_too_large() -> None:
    line = Deployment()
    asked = SessionRequest.model_validate({"format": {"encoding": "wav"}})
    session = line.calls.start(DOMAIN, asked, None).session_id
    audio = wav(np.zeros((48000 * 14, 1), np.int16), 48000)
    found = refused(lambda: line.intake.put(DOMAIN, session, 0, request(audio)))
    assert found == (413, "chunk_too_large", "content")
    assert not line.stream.events


def test_a_claim_may_come_late_and_be_corrected() -> None:
    line = a_line()
    assert line.calls.claim(DOMAIN, "call", ClaimRequest(speaker="daws")).claimed_speaker == "daws"
    assert line.calls.get(DOMAIN, "call").claimed_speaker == "daws"


def test_a_call_with_nobody_claimed_can_meet_a_telephone_voiceprint_later() -> None:
    line = a_line()
    asked = SessionRequest.model_validate({"format": {"encoding": "wav"}})
    session = line.calls.start(DOMAIN, asked, None).session_id
    record = line.sessions.session(DOMAIN, session)
    assert record is not None
    assert record.bands == (Channel.NARROWBAND,)


def behind(line: Deployment, seconds: float) -> None:
    line.lags.publish(SHARD, ShardLag(seconds, line.now))


def test_a_shard_that_is_behind_takes_no_audio_until_it_has_caught_up() -> None:
    line = a_line()
    intake = line.intake
    intake.put(DOMAIN, "call", 0, request(chunks("grace")[0]))
    behind(line, LAG.most)
    with pytest.raises(Overloaded) as refusal:
        intake.put(DOMAIN, "call", 1, request(chunks("grace")[1]))
    assert (status_of(refusal.value), refusal.value.code) == (429, "audio_overload")
    assert refusal.value.retry_after == 3
    line.now += LAG_HELD + timedelta(seconds=1)
    behind(line, 0.5)
    intake.put(DOMAIN, "call", 1, request(chunks("grace")[1]))
    assert len(line.stream.events) == 2


def test_a_call_that_begins_on_a_shard_that_is_behind_is_turned_away_with_its_first_chunk() -> None:
    line = a_line()
    behind(line, LAG.most)
    assert refused(lambda: put(line)) == (429, "audio_overload", None)


def test_a_chunk_that_is_turned_away_costs_no_work() -> None:
    line = a_line()
    behind(line, LAG.most)
    assert refused(lambda: put(line, content=b""))[1] == "audio_overload"


def test_an_old_word_of_a_lag_closes_no_door() -> None:
    line = a_line()
    behind(line, 60.0)
    line.now += LAG_HELD + timedelta(seconds=LAG.most)
    put(line)


def test_the_end_passes_a_closed_door() -> None:
    line = a_line()
    intake = line.intake
    intake.put(DOMAIN, "call", 0, request(chunks("grace")[0]))
    behind(line, 60.0)
    intake.end(DOMAIN, "call", EndRequest(chunks=1))
    assert len(line.stream.events) == 2
