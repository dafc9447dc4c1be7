"""Calls in chunks over REST, through the stream and its consumer, with real voices."""

import base64
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from bonafide.audio.waveform import Waveform
from bonafide.contracts.events import write
from bonafide.records.stream import ChunkRecord, EndRecord
from bonafide_client import ApiResponse
from local.aws.functions.function import platform
from local.runner import Deployment
from ops.replay import keys
from ops.synthesis import ROOT
from tests.api.parts import Api, enrol
from tests.audio.signals import pcm
from tests.audio.wav_writer import wav
from tests.readings import reading
from tests.services.parts import MORNING

WAIT = 30
SECONDS = 1.5


def piece(waveform: Waveform, number: int, seconds: float = SECONDS) -> Waveform:
    length = round(seconds * waveform.rate)
    return Waveform(waveform.samples[number * length : (number + 1) * length], waveform.rate)


def content(waveform: Waveform) -> str:
    return base64.b64encode(wav(pcm(waveform.samples), waveform.rate)).decode()


class Call:
    """One session."""

    def __init__(self, api: Api, domain: str, speaker: str | None = None) -> None:
        self._api = api
        self.domain = domain
        body = {"format": {"encoding": "wav"}, "context": {"call_id": "call-1"}}
        started = api.call("POST", f"/v1/domains/{domain}/sessions", body | ({"speaker": speaker} if speaker else {}))
        assert started.status == 200, started
        self.session = started.document["session_id"]

    def _call(self, method: str, suffix: str = "", body: Any = None) -> ApiResponse:
        return self._api.call(method, f"/v1/domains/{self.domain}/sessions/{self.session}{suffix}", body)

    def get(self) -> ApiResponse:
        return self._call("GET")

    def put(self, number: object, audio: Waveform | str, **stated: Any) -> ApiResponse:
        """Sends a chunk as a producer does: what is refused because scoring is behind is sent again."""
        body = {"content": audio if isinstance(audio, str) else content(audio), **stated}
        deadline = time.monotonic() + WAIT
        while (answer := self._call("PUT", f"/audio/{number}", body)).status == 429 and time.monotonic() < deadline:
            time.sleep(0.5)
        return answer

    def claim(self, speaker: str) -> ApiResponse:
        return self._call("PUT", "/speaker", {"speaker": speaker})

    def end(self, chunks: object) -> ApiResponse:
        return self._call("POST", "/end", {"chunks": chunks})

    def evaluation(self) -> Any:
        answer = self._call("GET", "/evaluation")
        assert answer.status == 200, answer
        return answer.document

    def once(self, arrived: Callable[[Any], bool]) -> Any:
        """The evaluation as soon as it is like that."""
        deadline = time.monotonic() + WAIT
        while not arrived(found := self.evaluation()):
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        return found

    def final(self) -> Any:
        return self.once(lambda found: found["status"] == "FINAL")


@pytest.fixture
def call(api: Api, domain: str) -> Call:
    return Call(api, domain)


def test_chunks_in_any_order_and_twice_are_decided_as_the_voice_deserves(api: Api, domain: str) -> None:
    enrol(api, domain, "grace", "train_grace")
    calls = {reader: Call(api, domain, "grace") for reader in ("train_grace", "train_atkins")}
    for number in (3, 0, 3, 2, 1, 0):
        for reader, each in calls.items():
            assert each.put(number, piece(reading(reader, 2), number)).status == 200
    # Another content of a number, right before the end, when all numbers are scored.
    calls["train_atkins"].once(lambda found: found["chunks"]["scored"] == 4)
    assert calls["train_atkins"].put(2, piece(reading("train_atkins", 2), 3)).status == 200
    for each in calls.values():
        assert each.end(4).document["chunks"] == 4
    genuine, impostor = (each.final() for each in calls.values())
    assert genuine["decision"] == "ACCEPT", genuine
    assert impostor["decision"] in {"REJECT", "STEP_UP"}, impostor
    counts = {"expected": 4, "scored": 4, "used": 4, "conflicting": 0, "late": 0, "complete": True}
    assert {name: genuine["chunks"][name] for name in counts} == counts
    assert {name: impostor["chunks"][name] for name in counts} == counts | {"conflicting": 1}
    assert calls["train_grace"].evaluation() == genuine
    assert calls["train_grace"].get().document["decision_id"] == genuine["decision_id"]


def test_a_chunk_may_be_sent_as_its_bytes(api: Api, call: Call) -> None:
    found = piece(reading(), 0)
    path = f"/v1/domains/{call.domain}/sessions/{call.session}/audio/0"
    audio = wav(pcm(found.samples), found.rate)
    assert api.call("PUT", path, audio).document["chunk"] == 0
    assert call.put(0, found).status == 200
    call.once(lambda evaluation: evaluation["chunks"]["scored"] == 1)
    assert call.evaluation()["chunks"]["conflicting"] == 0
    assert api.call("PUT", path, b"RIFF" + bytes(40)).code == "audio_malformed"
    claim = api.call("PUT", f"/v1/domains/{call.domain}/sessions/{call.session}/speaker", audio)
    assert (claim.status, claim.code) == (415, "media_type_unsupported")


def test_a_speaker_that_is_claimed_later_is_whom_the_call_is_held_against(api: Api, domain: str, call: Call) -> None:
    enrol(api, domain, "grace", "train_grace")
    for number in range(4):
        call.put(number, piece(reading("train_grace", 2), number))
    waiting = call.once(lambda found: found["chunks"]["scored"] == 4)
    assert (waiting["decision"], waiting["reasons"]) == ("INCONCLUSIVE", ["SPEAKER_NOT_CLAIMED"])
    assert call.claim("grace").document["claimed_speaker"] == "grace"
    assert call.evaluation()["decision"] == "ACCEPT"
    call.end(4)
    assert call.final()["decision"] == "ACCEPT"
    assert call.put(3, piece(reading(), 0)).code == "session_final"
    assert call.claim("other").code == "session_final"
    assert call.end(5).code == "session_final"


def test_what_cannot_be_scored_is_refused_at_the_door(call: Call) -> None:
    speech = reading()
    refusals = [
        (call.put(0, ""), (422, "audio_empty")),
        (call.put(0, "no base64!"), (400, "audio_not_base64")),
        (call.put(0, piece(speech, 0, 0.25)), (422, "audio_too_short")),
        (call.put(0, content(Waveform(speech.samples.repeat(3), 16000))), (422, "chunk_too_long")),
        (call.put(0, "A" * 4 * 1024 * 1024), (422, "audio_malformed")),
        (call.put(7200, piece(speech, 0)), (400, "request_invalid")),
        (call.put(-1, piece(speech, 0)), (400, "request_invalid")),
        (call.put("first", piece(speech, 0)), (400, "request_invalid")),
        (call.put(0, piece(speech, 0), encoding="mulaw"), (409, "chunk_format_changed")),
        (call.put(0, piece(speech, 0), sample_rate=8000), (409, "chunk_format_changed")),
        (call.end(7201), (400, "request_invalid")),
        (call.end(-1), (400, "request_invalid")),
    ]
    assert [(answer.status, answer.code) for answer, _ in refusals] == [expected for _, expected in refusals]


def test_a_chunk_beyond_a_record_of_the_stream_is_too_large(api: Api, domain: str, call: Call) -> None:
    answer = call.put(0, content(Waveform(reading().samples[:100000].repeat(7)[: 14 * 48000], 48000)))
    assert (answer.status, answer.code) == (413, "chunk_too_large")


def test_after_the_end_the_count_stands(call: Call) -> None:
    assert [call.end(2).status for _ in range(2)] == [200, 200]
    assert call.end(3).code == "session_ended"
    refused = call.put(2, piece(reading(), 0))
    assert (refused.status, refused.code) == (400, "chunk_out_of_range")


def test_calls_that_never_began_are_not_found(call: Call) -> None:
    call.session = str(uuid.uuid4())
    answers = [call.get(), call.put(0, piece(reading(), 0)), call.end(1), call.claim("ann")]
    assert {(answer.status, answer.code) for answer in answers} == {(404, "session_not_found")}


def test_a_domain_that_does_not_exist_takes_no_calls(api: Api) -> None:
    answer = api.call("POST", "/v1/domains/nowhere/sessions", {"format": {"encoding": "wav"}})
    assert (answer.status, answer.code) == (404, "domain_not_found")


class Backstage:
    """The stream, and the bucket of what was set aside."""

    def __init__(self, bonafide: Deployment) -> None:
        self.endpoint = bonafide.emulator.endpoint
        self.kinesis, self.s3 = (bonafide.emulator.client(service) for service in ("kinesis", "s3"))
        self.stream = next(each for each in self.kinesis.list_streams()["StreamNames"])
        names = [each["Name"] for each in self.s3.list_buckets()["Buckets"]]
        self.bucket = next(name for name in names if "failures" in name.lower())

    def send(self, partition: str, data: bytes) -> str:
        """Returns the record's place in the stream."""
        answer = self.kinesis.put_record(StreamName=self.stream, PartitionKey=partition, Data=data)
        return f"{answer['ShardId']}:{answer['SequenceNumber']}"

    def set_aside(self, event_id: str) -> list[tuple[str, Any]]:
        """The document about this record, once there is one."""
        deadline = time.monotonic() + WAIT
        while True:
            documents = [(key, self._read(key)) for key in keys(self.s3, self.bucket)]
            if mine := [(key, each) for key, each in documents if each.get("event_id") == event_id]:
                return mine
            assert time.monotonic() < deadline, documents
            time.sleep(0.1)

    def _read(self, key: str) -> Any:
        return json.loads(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def replay(self, *names: str) -> str:
        """Runs the command as an engineer does."""
        command = ["-m", "ops.replay", "--stream", self.stream, "--bucket", self.bucket, *names]
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=aws(self.endpoint), capture_output=True, text=True, check=True
        )
        return done.stdout


def aws(endpoint: str) -> dict[str, str]:
    return platform(endpoint)


@pytest.fixture
def backstage(bonafide: Deployment) -> Backstage:
    return Backstage(bonafide)


def test_a_poison_record_is_set_aside_with_its_reason_and_its_neighbors_are_scored(
    call: Call, backstage: Backstage
) -> None:
    poison = f"poison {uuid.uuid4()}".encode()
    partition = f"{call.domain}#{call.session}"
    call.put(0, piece(reading(), 0))
    place = backstage.send(partition, poison)
    call.put(1, piece(reading(), 1))
    call.once(lambda found: found["chunks"]["scored"] == 2)
    ((_, document),) = backstage.set_aside(place)
    assert document["reason"]["code"] == "event_invalid"
    assert document["partition_key"] == partition


def test_what_was_set_aside_too_early_is_scored_when_it_is_replayed(
    bonafide: Deployment, call: Call, backstage: Backstage
) -> None:
    """A record of a call that is not there yet, as when a table was restored."""
    found = piece(reading(), 0)
    audio = wav(pcm(found.samples), found.rate)
    unknown = str(uuid.uuid4())
    early = write(ChunkRecord(call.domain, unknown, 0, audio))
    place = backstage.send(f"{call.domain}#{unknown}", early)
    ((key, document),) = backstage.set_aside(place)
    assert document["reason"]["code"] == "session_not_found"
    assert "data" not in document
    _restore(bonafide, call, unknown)
    assert backstage.replay(key) == "1\n"
    call.session = unknown
    assert call.once(lambda found: found["chunks"]["scored"] == 1)["chunks"]["used"] == 1
    backstage.send(f"{call.domain}#{unknown}", write(EndRecord(call.domain, unknown, 1, MORNING)))
    assert call.final()["chunks"]["expected"] == 1


def _restore(bonafide: Deployment, call: Call, session: str) -> None:
    """Gives a call another name, and no key: its own opens nothing under another name."""
    dynamodb = bonafide.emulator.client("dynamodb")
    table = next(name for name in dynamodb.list_tables()["TableNames"] if "Sessions" in name)
    key = {"session": {"S": f"{call.domain}#{call.session}"}, "item": {"S": "session"}}
    item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    item.pop("key", None)
    dynamodb.put_item(TableName=table, Item=item | {"session": {"S": f"{call.domain}#{session}"}})
