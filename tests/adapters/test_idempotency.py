"""Answers that are remembered by Idempotency-Key in the deployed table, and what they are about."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bonafide.adapters.erasure.answers import AnswerErasing, ClaimedAnswers
from bonafide.http.app import create_app, lambda_entry
from bonafide.http.idempotency import DAY_SECONDS, answer_about
from bonafide.records.domain import ErasedDecisions
from bonafide.records.erasure import ErasureKind, ErasureSubject
from bonafide.records.speaker import generation
from tests.adapters.conftest import State
from tests.services.parts import Killed, World, speech
from tests.streamed import Context

ANN = "/v1/domains/acme/speakers/ann"


@dataclass
class Remaining(Context):
    def get_remaining_time_in_millis(self) -> int:
        return 29_000


@dataclass
class Service:
    """A function with three routes on people that are kept in memory, and answers in the table."""

    state: State
    world: World = field(default_factory=World)
    calls: int = 0
    killed: bool = False

    def __post_init__(self) -> None:
        self.world.put_domain(minimum_enrolment_seconds=5)
        self.world.enroll(speech("ann"))
        table = self.state.name("Idempotency")
        store = ClaimedAnswers(table_name=table, boto3_client=self.state.dynamodb)
        self.app = create_app(None, store, find=self.world.store.find)
        self.app.post("/v1/domains/<domain>/speakers/<speaker>/things")(self.thing)
        self.app.post("/v1/domains/<domain>/places")(self.place)
        self.app.post("/v1/domains/<domain>/forgotten")(self.forgotten)

    def thing(self, domain: str, speaker: str) -> dict[str, int]:
        if self.killed:
            raise Killed
        self.calls += 1
        found, record = self.world.store.find(domain, speaker)
        assert found
        answer_about(self.app, generation(found, record))
        return {"call": self.calls}

    def place(self, domain: str) -> dict[str, int]:
        self.calls += 1
        found = self.world.store.domain(domain)
        assert found
        answer_about(self.app, generation(found), lasts=False)
        return {"call": self.calls}

    def forgotten(self, domain: str) -> dict[str, str]:
        return {"domain": domain}

    def post(self, key: str, path: str = f"{ANN}/things") -> Any:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        asked = {
            "resource": path, "path": path, "httpMethod": "POST", "headers": headers, "multiValueHeaders": {},
            "requestContext": {"requestId": "request-1", "stage": "test"}, "body": None, "isBase64Encoded": False,
        }  # fmt: skip
        context: Any = Remaining()
        return lambda_entry(self.app)(asked, context)

    def change(self, **values: Any) -> None:
        """Changes the one record in the table: attributes by their names, `data` as a document."""
        client, table = self.state.dynamodb, self.state.name("Idempotency")
        [item] = client.scan(TableName=table)["Items"]
        client.put_item(TableName=table, Item=item | values)


@pytest.fixture
def service(state: State) -> Service:
    client, table = state.dynamodb, state.name("Idempotency")
    for item in client.scan(TableName=table)["Items"]:
        client.delete_item(TableName=table, Key={"id": item["id"]})
    return Service(state)


def anew(world: World) -> None:
    """Enrolls again, later, with new consent."""
    world.now += timedelta(hours=1)
    world.enroll(speech("ann"))


def code(answer: Any) -> tuple[int, str]:
    return answer["statusCode"], json.loads(answer["body"])["code"]


def deleted_domain(world: World) -> None:
    world.domains.delete("acme", force=True)


def another_domain(world: World) -> None:
    deleted_domain(world)
    world.now += timedelta(hours=1)
    world.put_domain(minimum_enrolment_seconds=5)


CHANGES: dict[str, list[Callable[[World], object]]] = {
    "opted out": [lambda world: world.speakers.opt_out("acme", "ann")],
    "opted out and enrolled again": [lambda world: world.speakers.opt_out("acme", "ann"), anew],
    "speaker deleted": [lambda world: world.speakers.delete("acme", "ann")],
    "speaker deleted and enrolled again": [lambda world: world.speakers.delete("acme", "ann"), anew],
    "domain deleted": [deleted_domain],
    "domain created again": [another_domain],
    "domain created again, and the speaker": [another_domain, anew],
}


def test_an_answer_is_found_by_its_speaker_and_emptied_and_its_key_stays_taken(service: Service) -> None:
    service.post("one")
    client, table = service.state.dynamodb, service.state.name("Idempotency")
    service.world.speakers.delete("acme", "ann")
    now = datetime.now(UTC)
    subject = ErasureSubject(
        ErasureKind.SPEAKER_DELETED, "acme", "ann", now, now, None, None, ErasedDecisions.UNLINK, followed=False
    )
    erasing = AnswerErasing(client, table)
    assert erasing.erase(subject, "") == (1, None, False)
    assert erasing.erase(subject, "") == (0, None, False)
    [item] = client.scan(TableName=table)["Items"]
    assert not {"domain", "claim"} & item.keys()
    assert "call" not in item["data"]["S"]
    assert code(service.post("one")) == (409, "answer_outdated")
    assert service.calls == 1


@pytest.mark.parametrize("change", CHANGES)
def test_no_answer_outlives_the_speaker_or_the_domain_that_it_was_about(service: Service, change: str) -> None:
    assert service.post("one")["statusCode"] == 200
    for step in CHANGES[change]:
        step(service.world)
    assert code(service.post("one")) == (409, "answer_outdated")
    assert service.calls == 1


def test_an_answer_to_an_opt_out_is_outdated_by_an_enrollment(service: Service) -> None:
    service.world.speakers.opt_out("acme", "ann")
    answers = [service.post("one")["body"] for _ in range(2)]
    assert answers[0] == answers[1]
    service.world.speakers.opt_out("acme", "ann")
    assert service.post("one")["body"] == answers[0]
    anew(service.world)
    assert code(service.post("one")) == (409, "answer_outdated")


def test_a_voiceprint_that_grows_outdates_no_answer(service: Service) -> None:
    first = service.post("one")
    anew(service.world)
    service.world.put_domain(minimum_enrolment_seconds=10)
    assert service.post("one") == first


def test_an_answer_that_does_not_last_is_made_anew_and_is_about_its_domain_all_the_same(service: Service) -> None:
    path = "/v1/domains/acme/places"
    assert [json.loads(service.post("one", path)["body"])["call"] for _ in range(2)] == [1, 2]
    another_domain(service.world)
    assert code(service.post("one", path)) == (409, "answer_outdated")


def test_a_route_that_does_not_say_what_its_answer_is_about_cannot_answer(service: Service) -> None:
    assert service.post("one", "/v1/domains/acme/forgotten")["statusCode"] == 500


def test_answers_of_the_release_before_are_repeated_and_it_can_read_those_of_this_one(service: Service) -> None:
    first = service.post("one")
    client, table = service.state.dynamodb, service.state.name("Idempotency")
    [item] = client.scan(TableName=table)["Items"]
    name = "bonafide.http.idempotency.remember_answers.<locals>.remember.<locals>.respond"
    assert item["id"]["S"].split("#")[0].endswith(f".{name}")
    stored = json.loads(item["data"]["S"])
    assert stored.keys() >= {"status", "body"}
    service.change(data={"S": json.dumps({"status": stored["status"], "body": stored["body"]})})
    assert service.post("one") == first


def test_a_repeated_request_is_told_how_long_the_killed_one_holds_its_key(service: Service) -> None:
    key, now = str(uuid.uuid4()), int(time.time())
    service.killed = True
    with pytest.raises(Killed):
        service.post(key)
    service.killed = False
    asked = service.post(key)
    assert (code(asked), asked["multiValueHeaders"]["Retry-After"]) == ((409, "request_in_progress"), ["1"])
    # Begun ten seconds ago, with 19 of 29 to go.
    begun, end = now - 10, (now + 19) * 1000
    service.change(expiration={"N": str(begun + DAY_SECONDS)}, in_progress_expiration={"N": str(end)})
    [left] = service.post(key)["multiValueHeaders"]["Retry-After"]
    assert 19 - (time.time() - now) <= int(left) <= 19
    service.change(in_progress_expiration={"N": str((now - 1) * 1000)})
    assert service.post(key)["statusCode"] == 200
