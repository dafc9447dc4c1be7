"""What the streaming path sees when its table, its stream, its bucket or the key behind them fail."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from bonafide.adapters.dynamodb.conditions import Item
from bonafide.adapters.dynamodb.intake import DynamoIntakeReader
from bonafide.adapters.dynamodb.items import domain_item, domain_key
from bonafide.adapters.dynamodb.lags import DynamoShardLagStore
from bonafide.adapters.dynamodb.sessions import DynamoSessionStore
from bonafide.adapters.kinesis import KinesisAudioStream
from bonafide.adapters.s3 import S3FailureStore
from bonafide.audio.encoding import Encoding, RecordingFormat
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.biometrics.session import ChunkEvidence, Mark
from bonafide.bootstrap.clients import CALLS
from bonafide.errors import Overloaded, StoreUnavailable
from bonafide.http.problems import status_of
from bonafide.ports.stream import IntakeState
from bonafide.records.session import EvidenceRow, SessionRecord
from bonafide.records.stream import ChunkRecord, ShardLag
from tests.adapters.test_stores import a_domain
from tests.adapters.test_stores_failing import BROKEN, NOW, Aws

SILENCE = Evidence(0.0, Channel.NARROWBAND, {}, Quality(-60.0, 0.0, None), "space")
ROW = EvidenceRow(ChunkEvidence(0, "0" * 64, SILENCE), "bundle", NOW, NOW)
FORMAT = RecordingFormat(Encoding.MULAW, 8000)
SESSION = SessionRecord("acme", "session", None, None, FORMAT, (), NOW, NOW, NOW, version=1)
CHUNK = ChunkRecord("acme", "session", 0, b"audio")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    running = Aws()
    running.server.start()
    yield running
    running.over.set()
    running.server.stop()


def sessions(aws: Aws) -> DynamoSessionStore:
    return DynamoSessionStore(aws.client("dynamodb", CALLS), "sessions")


def lags(aws: Aws) -> DynamoShardLagStore:
    return DynamoShardLagStore(aws.client("dynamodb", CALLS), "sessions")


def intake(aws: Aws) -> DynamoIntakeReader:
    return DynamoIntakeReader(aws.client("dynamodb", CALLS), "domains", "sessions")


def stream(aws: Aws) -> KinesisAudioStream:
    return KinesisAudioStream(aws.client("kinesis", CALLS), "audio")


USES: dict[str, Callable[[Aws], object]] = {
    "session": lambda aws: sessions(aws).session("acme", "session"),
    "put_session": lambda aws: sessions(aws).put_session(SESSION),
    "delete_session": lambda aws: sessions(aws).delete_session(SESSION),
    "due": lambda aws: list(sessions(aws).due(datetime.now(UTC))),
    "put_evidence": lambda aws: sessions(aws).put_evidence(SESSION, ROW),
    "has_evidence": lambda aws: sessions(aws).has_evidence(SESSION, 0, "0" * 64, "space"),
    "marks": lambda aws: sessions(aws).marks(SESSION),
    "evidence": lambda aws: sessions(aws).evidence(SESSION, [Mark.of(ROW.chunk)]),
    "publish": lambda aws: lags(aws).publish("shard", ShardLag(1.0, NOW)),
    "lag": lambda aws: lags(aws).lag("shard"),
    "intake": lambda aws: intake(aws).read("acme", "session", "shard"),
    "stream": lambda aws: stream(aws).put(CHUNK),
    "shard": lambda aws: stream(aws).shard("acme", "session"),
    "failures": lambda aws: S3FailureStore(aws.client("s3", CALLS), "failures").put("shard/1", {}),
}


def problem(kind: str) -> tuple[int, bytes]:
    return 400, f'{{"__type": "{kind}"}}'.encode()


@pytest.mark.parametrize("use", USES)
def test_whatever_part_of_the_streaming_state_is_broken_is_unavailable(aws: Aws, use: str) -> None:
    aws.answer = BROKEN
    with pytest.raises(StoreUnavailable):
        USES[use](aws)
    assert aws.calls == 3


@pytest.mark.parametrize("use", USES)
def test_whatever_part_of_the_streaming_state_is_silent_is_unavailable(aws: Aws, use: str) -> None:
    aws.answer = None
    with pytest.raises(StoreUnavailable):
        USES[use](aws)


def test_an_intake_that_is_read_in_parts_is_read_to_the_end(aws: Aws) -> None:
    def answer(found: Item, left: Item | None) -> tuple[int, bytes]:
        rest = {"domains": {"Keys": [left]}} if left else {}
        return 200, json.dumps({"Responses": {"domains": [found]}, "UnprocessedKeys": rest}).encode()

    domain = a_domain("acme")
    parts = [{"item": {"S": f"part {number}"}} for number in range(5)]
    aws.first = [answer(each, domain_key("acme")) for each in parts] + [answer(domain_item(domain), None)]
    assert intake(aws).read("acme", "session", "shard") == IntakeState(domain, None, None)
    asked = json.loads(aws.bodies[-1])["RequestItems"]
    assert asked == {"domains": {"Keys": [domain_key("acme")], "ConsistentRead": True}}


@pytest.mark.parametrize("kind", ["ProvisionedThroughputExceededException", "KMSThrottlingException"])
def test_a_stream_that_takes_no_more_for_now_is_overload(aws: Aws, kind: str) -> None:
    aws.answer = problem(kind)
    with pytest.raises(Overloaded) as refusal:
        stream(aws).put(CHUNK)
    assert (status_of(refusal.value), refusal.value.retry_after) == (429, 1)


@pytest.mark.parametrize("kind", ["KMSDisabledException", "KMSAccessDeniedException", "ResourceNotFoundException"])
def test_a_key_that_is_off_or_denied_is_unavailable(aws: Aws, kind: str) -> None:
    aws.answer = problem(kind)
    for use in ("stream", "session", "put_evidence"):
        with pytest.raises(StoreUnavailable):
            USES[use](aws)
