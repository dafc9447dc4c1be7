"""Many clients at once, and one that repeats itself."""

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bonafide_client import ApiResponse
from local.runner import Deployment
from tests.api.parts import READERS, Api, audio, enrol, enrolment
from tests.readings import lasting, reading

MANY = 32
SOME = 16


def decisions(bonafide: Deployment, domain: str) -> list[dict[str, Any]]:
    """What the ledger holds of a domain."""
    table = bonafide.functions["authenticate_caller"].definition.environment["BONAFIDE_DECISION_TABLE"]
    client = bonafide.emulator.client("dynamodb")
    answer = client.query(
        TableName=table,
        KeyConditionExpression="#domain = :domain",
        ExpressionAttributeNames={"#domain": "domain"},
        ExpressionAttributeValues={":domain": {"S": domain}},
        ConsistentRead=True,
    )
    found: list[dict[str, Any]] = answer["Items"]
    return found


def counted(bonafide: Deployment, domain: str) -> list[dict[str, Any]]:
    """What the counters of calls hold of a domain."""
    table = bonafide.functions["authenticate_caller"].definition.environment["BONAFIDE_CALL_TABLE"]
    items: list[dict[str, Any]] = bonafide.emulator.client("dynamodb").scan(TableName=table)["Items"]
    return [item for item in items if item["owner"]["S"].startswith(f"{domain}#")]


@pytest.fixture
def calls(api: Api, domain: str) -> str:
    """Where to authenticate an enrolled speaker."""
    enrol(api, domain, "ann", "train_grace")
    return f"/v1/domains/{domain}/speakers/ann/authentications"


def test_of_many_duplicates_at_once_one_is_decided_and_all_are_answered_alike(
    bonafide: Deployment, api: Api, domain: str, calls: str
) -> None:
    caller = {"caller_number": "+12025550143"}
    body, key = {"audio": audio(reading("train_grace", 2)), "call": caller}, str(uuid.uuid4())
    with ThreadPoolExecutor(MANY) as threads:
        answers: list[ApiResponse] = list(threads.map(lambda _: api.call("POST", calls, body, key=key), range(MANY)))
    done = [answer for answer in answers if answer.status == 200]
    waiting = [answer for answer in answers if answer.status != 200]
    assert done
    assert {(answer.status, answer.code, answer.headers["retry-after"]) for answer in waiting} <= {
        (409, "request_in_progress", "1")
    }
    repeated = api.call("POST", calls, body, key=key)
    assert {answer.content for answer in done} == {repeated.content}
    stored = decisions(bonafide, domain)
    assert [item["decision_id"]["S"] for item in stored] == [repeated.document["decision_id"]]
    counters = [item for item in counted(bonafide, domain) if "marks" in item]
    assert sorted(item["item"]["S"].partition("#")[0] for item in counters)[1:] == ["number", "speaker"]
    assert [len(item["marks"]["BS"]) for item in counters] == [1, 1, 1]


def test_the_same_key_with_another_body_is_refused(bonafide: Deployment, api: Api, domain: str, calls: str) -> None:
    body, key = {"audio": audio(reading("train_grace", 2))}, str(uuid.uuid4())
    assert api.call("POST", calls, body, key=key).status == 200
    other = api.call("POST", calls, {**body, "context": {"call_id": "other"}}, key=key)
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert len(decisions(bonafide, domain)) == 1


def test_keys_and_bodies_are_remembered_by_their_sha_256(bonafide: Deployment, calls: str, api: Api) -> None:
    assert api.call("POST", calls, {"audio": audio(reading("train_grace", 2))}, key=str(uuid.uuid4())).status == 200
    table = bonafide.functions["authenticate_caller"].definition.environment["BONAFIDE_IDEMPOTENCY_TABLE"]
    remembered = bonafide.emulator.client("dynamodb").scan(TableName=table)["Items"]
    digests = [item["id"]["S"].rpartition("#")[2] for item in remembered] + [
        item["validation"]["S"] for item in remembered
    ]
    assert {len(digest) for digest in digests} == {64}


def test_a_key_belongs_to_the_path_that_it_was_sent_to(api: Api, domain: str, calls: str) -> None:
    enrol(api, domain, "bob", "train_atkins")
    body, key = {"audio": audio(reading("train_grace", 2))}, str(uuid.uuid4())
    answers = [api.call("POST", path, body, key=key) for path in (calls, calls.replace("ann", "bob"))]
    assert [answer.document["claimed_speaker"] for answer in answers] == ["ann", "bob"]


def test_a_refused_request_may_be_repeated_under_its_key(api: Api, domain: str, calls: str) -> None:
    body, key = {"audio": audio(reading("train_atkins", 2))}, str(uuid.uuid4())
    pending = calls.replace("ann", "bob")
    assert api.call("POST", pending, body, key=key).code == "speaker_not_found"
    enrol(api, domain, "bob", "train_atkins")
    assert api.call("POST", pending, body, key=key).status == 200


def test_of_many_enrollments_of_one_speaker_at_once_no_speech_is_lost(api: Api, domain: str) -> None:
    path = f"/v1/domains/{domain}/speakers/ann/enrollments"
    passages = [lasting(reading(READERS[0], 1 + n % 2), 4 + n / 8) for n in range(SOME)]
    with ThreadPoolExecutor(SOME) as threads:
        answers = list(
            threads.map(lambda each: api.call("POST", path, enrolment(each), key=str(uuid.uuid4())), passages)
        )
    assert Counter(answer.status for answer in answers) == {200: SOME}
    brought = sum(answer.document["speech_seconds"] for answer in answers)
    speaker = api.call("GET", f"/v1/domains/{domain}/speakers/ann").document
    assert speaker["total_speech_seconds"] == pytest.approx(brought, abs=0.01 * SOME)
    assert max(answer.document["total_speech_seconds"] for answer in answers) == speaker["total_speech_seconds"]


def test_duplicates_of_an_enrollment_at_once_add_its_speech_once(api: Api, domain: str) -> None:
    path, key = f"/v1/domains/{domain}/speakers/ann/enrollments", str(uuid.uuid4())
    body = enrolment(reading("train_grace", 1))
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: api.call("POST", path, body, key=key), range(8)))
    (seconds,) = {answer.document["speech_seconds"] for answer in answers if answer.status == 200}
    assert api.call("GET", f"/v1/domains/{domain}/speakers/ann").document["total_speech_seconds"] == seconds
