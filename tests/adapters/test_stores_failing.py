"""What callers of the stores see when AWS is throttled, broken, gone or silent."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from bonafide.adapters.dynamodb import conditions
from bonafide.adapters.dynamodb.decisions import MOST_QUERIES, DynamoDecisionStore
from bonafide.adapters.dynamodb.domains import SPEAKERS_INDEX, DynamoDomainStore
from bonafide.adapters.dynamodb.items import domain_item, speaker_item, speaker_key
from bonafide.adapters.s3 import S3AudioStore
from bonafide.bootstrap.clients import CALLS, UPLOADS
from bonafide.errors import StoreUnavailable
from bonafide.http.problems import status_of
from bonafide.ports.stores import VersionConflict
from bonafide.records.decision_page import DecisionFilter
from bonafide.records.speaker import SpeakerPage
from local.aws.http import HttpHandler, LoopbackServer
from tests.adapters.test_stores import a_domain, a_speaker
from tests.decisions import decision_record

NOW = datetime(2026, 1, 2, tzinfo=UTC)
# Keeps the descriptions of services, which take longer to read than most tests.
SESSION = boto3.Session("key", "secret", region_name="eu-west-1")
SILENCE = Config(read_timeout=0.1)
LONGEST_REQUEST_SECONDS = 29
# Longest pauses before the second and the third attempt in botocore's standard mode.
LONGEST_PAUSES_SECONDS = 1 + 2

THROTTLED = (400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}')
SLOW_DOWN = (503, b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>")
BROKEN = (500, b"{}")
LEFT_OUT = (
    200,
    b'{"Responses":{},"UnprocessedKeys":{"domains":{"Keys":[{"domain":{"S":"acme"},"item":{"S":"domain"}}]}}}',
)
CONFLICT = (400, b'{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException"}')
NOT_ALLOWED = (400, b'{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException"}')


class Aws:
    """Answers every call alike: with a given status and body, or never."""

    def __init__(self) -> None:
        self.answer: tuple[int, bytes] | None = BROKEN
        self.first: list[tuple[int, bytes]] = []
        self.bodies: list[bytes] = []
        self.calls = 0
        self.over = threading.Event()
        aws = self

        class Face(HttpHandler):
            def serve(self) -> None:
                aws.bodies.append(self.read_body(1 << 20))
                aws.calls += 1
                if aws.first:
                    status, body = aws.first.pop(0)
                    self.answer(status, [], body)
                elif aws.answer is None:
                    aws.over.wait()
                    self.close_connection = True
                else:
                    self.answer(aws.answer[0], [], aws.answer[1])

        for method in ("DELETE", "GET", "POST", "PUT"):
            setattr(Face, f"do_{method}", Face.serve)
        self.server = LoopbackServer(0, Face)

    def client(self, service: Any, config: Config) -> Any:
        return SESSION.client(service, endpoint_url=f"http://{self.server.address}", config=config.merge(SILENCE))

    @property
    def domains(self) -> DynamoDomainStore:
        return DynamoDomainStore(self.client("dynamodb", CALLS), "domains")

    @property
    def decisions(self) -> DynamoDecisionStore:
        return DynamoDecisionStore(self.client("dynamodb", CALLS), "decisions")

    @property
    def audio(self) -> S3AudioStore:
        return S3AudioStore(self.client("s3", UPLOADS), "audio")


@pytest.fixture
def aws() -> Iterator[Aws]:
    running = Aws()
    running.server.start()
    yield running
    running.over.set()
    running.server.stop()


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each pause between attempts would have been."""
    taken: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=taken.append))
    monkeypatch.setattr(
        "bonafide.adapters.dynamodb.conditions.time", SimpleNamespace(sleep=taken.append, monotonic=lambda: 0.0)
    )
    return taken


EVER = DecisionFilter(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
CALLS_TO_STORES: dict[str, Callable[[Aws], object]] = {
    "domain": lambda aws: aws.domains.domain("acme"),
    "put_domain": lambda aws: aws.domains.put_domain(a_domain("acme")),
    "delete_domain": lambda aws: aws.domains.delete_domain(a_domain("acme")),
    "find": lambda aws: aws.domains.find("acme", "ann"),
    "put_speaker": lambda aws: aws.domains.put_speaker(a_domain("acme"), a_speaker("acme")),
    "delete_speaker": lambda aws: aws.domains.delete_speaker(a_speaker("acme")),
    "stored_speakers": lambda aws: aws.domains.stored_speakers("acme", 10),
    "list_speakers": lambda aws: aws.domains.list_speakers("acme", None, 10),
    "append": lambda aws: aws.decisions.append(decision_record(), NOW),
    "read": lambda aws: aws.decisions.read("acme", "decision-1"),
    "list": lambda aws: aws.decisions.list("acme", EVER, None, 10),
    "fetch": lambda aws: aws.audio.fetch("uploads/acme/one", 10),
    "keep": lambda aws: aws.audio.keep("kept/acme/ann/one", b"audio"),
    "discard": lambda aws: aws.audio.discard("kept/acme/ann/"),
}
FAILURES = {"throttled": THROTTLED, "slow_down": SLOW_DOWN, "broken": BROKEN, "silent": None}


@pytest.mark.parametrize(
    ("call", "failure"),
    [
        ("find", "throttled"),
        ("append", "broken"),
        ("put_speaker", "silent"),
        ("fetch", "slow_down"),
        ("keep", "silent"),
    ],
)
def test_a_store_that_keeps_failing_is_asked_three_times_and_then_unavailable(
    aws: Aws, call: str, failure: str, pauses: list[float]
) -> None:
    aws.answer = FAILURES[failure]
    with pytest.raises(StoreUnavailable) as refusal:
        CALLS_TO_STORES[call](aws)
    assert (status_of(refusal.value), refusal.value.retry_after) == (503, 1)
    assert aws.calls == 3
    assert len(pauses) == 2
    assert sum(pauses) <= LONGEST_PAUSES_SECONDS


def test_what_a_throttled_table_leaves_out_is_asked_for_three_times(aws: Aws, pauses: list[float]) -> None:
    aws.answer = LEFT_OUT
    with pytest.raises(StoreUnavailable):
        aws.domains.find("acme", "ann")
    assert (aws.calls, len(pauses)) == (3, 2)
    assert 0 < sum(pauses) <= LONGEST_PAUSES_SECONDS


def test_only_what_was_left_out_is_read_again(aws: Aws) -> None:
    domain = a_domain("acme")
    aws.first = [LEFT_OUT]
    aws.answer = (200, json.dumps({"Responses": {"domains": [domain_item(domain)]}, "UnprocessedKeys": {}}).encode())
    assert aws.domains.find("acme", "ann") == (domain, None)
    asked = [[key["item"]["S"] for key in json.loads(body)["RequestItems"]["domains"]["Keys"]] for body in aws.bodies]
    assert asked == [["domain", "speaker#ann"], ["domain"]]


def test_a_read_that_leaves_nothing_out_takes_no_pause(aws: Aws, pauses: list[float]) -> None:
    domain = a_domain("acme")
    aws.answer = (200, json.dumps({"Responses": {"domains": [domain_item(domain)]}, "UnprocessedKeys": {}}).encode())
    assert aws.domains.find("acme", "ann") == (domain, None)
    assert (aws.calls, pauses) == (1, [])


@pytest.mark.parametrize("kind", ["ValidationException", "ResourceNotFoundException"])
def test_speakers_are_listed_from_the_table_where_a_rollback_deleted_the_index(aws: Aws, kind: str) -> None:
    ann = a_speaker("acme")
    aws.first = [(400, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{kind}"}).encode())]
    aws.answer = (
        200,
        json.dumps({"Items": [speaker_item(ann)], "LastEvaluatedKey": speaker_key("acme", ann.speaker)}).encode(),
    )
    assert aws.domains.list_speakers("acme", "a", 1) == SpeakerPage([ann.summary], ann.speaker)
    queries = [json.loads(body) for body in aws.bodies]
    assert queries[0].pop("IndexName") == SPEAKERS_INDEX
    assert queries[0] == queries[1]


def test_a_write_that_was_throttled_once_is_done(aws: Aws) -> None:
    aws.first, aws.answer = [THROTTLED], (200, b"{}")
    aws.domains.put_speaker(a_domain("acme"), replace(a_speaker("acme"), version=2))
    assert aws.calls == 2


def test_a_write_that_meets_a_transaction_of_the_release_before_is_a_conflict(aws: Aws) -> None:
    aws.answer = CONFLICT
    with pytest.raises(VersionConflict):
        aws.domains.put_speaker(a_domain("acme"), replace(a_speaker("acme"), version=2))


def test_a_slow_table_is_not_asked_again_when_patience_is_over(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, conditions.PATIENCE_SECONDS + 0.1])
    monkeypatch.setattr("bonafide.adapters.dynamodb.conditions.time", SimpleNamespace(monotonic=lambda: next(clock)))
    aws.answer = LEFT_OUT
    with pytest.raises(StoreUnavailable):
        aws.domains.find("acme", "ann")
    assert aws.calls == 1


@pytest.mark.parametrize("call", CALLS_TO_STORES)
def test_every_call_to_a_broken_store_ends_as_unavailable(aws: Aws, call: str) -> None:
    with pytest.raises(StoreUnavailable):
        CALLS_TO_STORES[call](aws)


def test_what_cannot_succeed_is_not_tried_again(aws: Aws) -> None:
    aws.answer = NOT_ALLOWED
    with pytest.raises(StoreUnavailable):
        aws.domains.find("acme", "ann")
    assert aws.calls == 1


@pytest.mark.parametrize("call", CALLS_TO_STORES)
def test_a_store_that_is_gone_is_unavailable(aws: Aws, call: str) -> None:
    aws.server.stop()
    with pytest.raises(StoreUnavailable):
        CALLS_TO_STORES[call](aws)


@pytest.mark.parametrize("config", [CALLS, UPLOADS], ids=["tables", "bucket"])
def test_the_longest_call_ends_while_somebody_still_listens(config: Any) -> None:
    attempts = config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout)
    again = conditions.PATIENCE_SECONDS + conditions.LONGEST_PAUSE_SECONDS
    assert again + attempts + LONGEST_PAUSES_SECONDS < LONGEST_REQUEST_SECONDS


def index_item(number: int) -> dict[str, Any]:
    """What the index has of a decision."""
    at = f"2026-01-02T00:00:{number % 60:02d}.000000+00:00"
    return {"domain": {"S": "acme"}, "decision_id": {"S": f"d-{number}"}, "decided_at": {"S": at}}


def table_item(number: int, expires_at: int = 1 << 40) -> dict[str, Any]:
    """What the table has of it."""
    document = decision_record(decision_id=f"d-{number}").to_document()
    return {
        "decision_id": {"S": f"d-{number}"},
        "document": {"S": json.dumps(document)},
        "expires_at": {"N": str(expires_at)},
    }


def page_of(numbers: Sequence[int], last: int | None = None) -> tuple[int, bytes]:
    """An answer of the index, with where it stopped."""
    after = {"LastEvaluatedKey": index_item(last)} if last is not None else {}
    return 200, json.dumps({"Items": [index_item(number) for number in numbers], **after}).encode()


def documents_of(numbers: Sequence[int], left_out: Sequence[int] = (), **expiry: int) -> tuple[int, bytes]:
    """An answer of the table, with the keys that it left out."""
    keys = [{name: index_item(number)[name] for name in ("domain", "decision_id")} for number in left_out]
    rest = {"decisions": {"Keys": keys}} if keys else {}
    items = [table_item(number, **expiry) for number in numbers]
    return 200, json.dumps({"Responses": {"decisions": items}, "UnprocessedKeys": rest}).encode()


def test_a_page_goes_on_where_the_last_query_of_the_index_stopped(aws: Aws) -> None:
    aws.first = [page_of([], last=50), page_of([40], last=40), page_of([30, 20]), documents_of([20, 30, 40])]
    page = aws.decisions.list("acme", replace(EVER, speaker="ann"), None, 10)
    assert [each.decision_id for each in page.decisions] == ["d-40", "d-30", "d-20"]
    assert page.after is None
    starts = [json.loads(body).get("ExclusiveStartKey", {}).get("decision_id") for body in aws.bodies[:3]]
    assert starts == [None, {"S": "d-50"}, {"S": "d-40"}]


def test_the_search_for_rare_decisions_ends_the_page_and_says_where_to_go_on(aws: Aws) -> None:
    aws.answer = page_of([], last=7)
    page = aws.decisions.list("acme", replace(EVER, speaker="ann"), None, 10)
    assert page.decisions == []
    assert page.after is not None
    assert page.after.decision_id == "d-7"
    assert aws.calls == MOST_QUERIES


def test_documents_that_the_table_left_out_are_read_again(aws: Aws) -> None:
    aws.first = [page_of([3, 2, 1]), documents_of([2], left_out=[3, 1]), documents_of([1, 3])]
    page = aws.decisions.list("acme", EVER, None, 10)
    assert [each.decision_id for each in page.decisions] == ["d-3", "d-2", "d-1"]


def test_a_decision_that_expires_while_it_is_listed_is_left_out(aws: Aws) -> None:
    aws.first = [page_of([3, 2]), documents_of([2])]
    assert [each.decision_id for each in aws.decisions.list("acme", EVER, None, 10).decisions] == ["d-2"]
    aws.first = [page_of([3]), documents_of([3], expires_at=1)]
    assert aws.decisions.list("acme", EVER, None, 10).decisions == []
