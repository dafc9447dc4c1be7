"""Whatever is sent, the answer is quick, documented, and gives nothing away."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from benchmarks.hostile.meter import ProcessMeter
from benchmarks.hostile.run import MOST_MEMORY, attack, hostile_requests
from bonafide.http.openapi import document
from bonafide_client import ApiResponse
from local.runner import Deployment
from tests.api import hostile
from tests.api.hostile import DOMAIN, SPEAKER, Odd
from tests.api.parts import Api, enrol
from tests.api.problems import DECLARED, ROOT, made
from tests.api.raw import TIMEOUT, send
from tests.audio.signals import tone
from tests.hosted import HOSTED

CLIENTS = 4
# Of each operation, valid and not; `make hostile` sends thousands.
EXAMPLES = 20
CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LEAKS = {
    "stack trace": re.compile(r'Traceback \(most|File ".*", line \d'),
    "path of a file": re.compile(rf"{re.escape(str(ROOT))}|site-packages|/opt/|/usr/lib|/tmp/bonafide"),
    "vector": re.compile(r"(-?\d\.\d{3,}(e-?\d+)?[,\s]+){4}"),
}
GROUPS: dict[str, Callable[[], Iterator[Odd]]] = {
    "recordings": hostile.recordings,
    "bodies": hostile.bodies,
    "fields": hostile.fields,
    "paths": hostile.paths,
    "queries": hostile.queries,
    "headers": hostile.headers,
}


@pytest.fixture(scope="module", autouse=True)
def _speaker(api: Api) -> Iterator[None]:
    """Somebody whom the requests may name; a brake that one of them puts on is taken off for the tests that follow."""
    created = api.call("PUT", f"/v1/domains/{DOMAIN}", {"policy": {"minimum_enrolment_seconds": 5}})
    assert created.status == 200
    enrol(api, DOMAIN, SPEAKER, "train_grace")
    yield
    api.call("DELETE", "/v1/brake?reason=end+of+the+tests")


def faults(answer: ApiResponse) -> Iterator[str]:
    """What is wrong with an answer."""
    if answer.status >= 500:
        yield f"status {answer.status}"
    yield from leaks(answer.content.decode(errors="replace"))
    if answer.status >= 400 and answer.content:
        yield from _faults_of_problem(answer)


def _faults_of_problem(answer: ApiResponse) -> Iterator[str]:
    if answer.headers.get("content-type") != "application/problem+json":
        yield f"content type {answer.headers.get('content-type')}"
        return
    problem = json.loads(answer.content)
    if problem["code"] not in DECLARED:
        yield f"code {problem['code']} is not declared"
    if problem.get("status", answer.status) != answer.status:
        yield f"status {problem['status']} in the document of a {answer.status}"
    if not {"type", "title", "detail"} <= problem.keys():
        yield "no problem document"


def leaks(text: str) -> Iterator[str]:
    yield from (name for name, pattern in LEAKS.items() if pattern.search(text))


def judged(api: Api, odd: Odd) -> list[str]:
    """Sends one request; returns what is wrong with the answer, by the name of the request."""
    try:
        answer = send(api.endpoint, odd.method, odd.target, odd.body, list(odd.headers))
    except (OSError, HTTPException) as error:
        return [f"{odd.name}: {error!r}"]
    found = [*faults(answer)]
    if odd.secret and odd.secret.encode() in answer.content:
        found.append("its own audio")
    return [f"{odd.name}: {fault}" for fault in found]


class Logs:
    """What the functions logged since they were read last, so that no line is searched for every test."""

    def __init__(self, bonafide: Deployment) -> None:
        self._paths = [function.log for function in bonafide.functions.values()]
        self._ends: dict[Path, int] = {}

    def new(self) -> str:
        return "".join(map(self._read, self._paths))

    def _read(self, path: Path) -> str:
        with path.open("rb") as log:
            log.seek(self._ends.get(path, 0))
            # A line that is not complete yet is read with its rest.
            lines, end, _ = log.read().rpartition(b"\n")
        self._ends[path] = self._ends.get(path, 0) + len(lines + end)
        return (lines + end).decode(errors="replace")


@pytest.fixture(scope="module")
def logs(bonafide: Deployment) -> Logs:
    return Logs(bonafide)


@pytest.mark.parametrize("group", GROUPS)
def test_odd_requests_are_answered_by_problem_documents_that_give_nothing_away(
    logs: Logs, api: Api, group: str
) -> None:
    odd = list(GROUPS[group]())
    with ThreadPoolExecutor(CLIENTS) as threads:
        found = [fault for faults in threads.map(lambda each: judged(api, each), odd) for fault in faults]
    assert found == []
    log = logs.new()
    assert list(leaks(log)) == []
    assert [each.name for each in odd if each.secret and each.secret in log] == []


def test_the_odd_requests_are_many_and_differ() -> None:
    every = [odd for group in GROUPS.values() for odd in group()]
    assert len({(odd.method, odd.target, odd.body, odd.headers) for odd in every}) >= 1000
    assert sum(bool(odd.secret) for odd in every) >= 100


def test_after_all_that_the_service_still_decides(api: Api) -> None:
    body = {"audio": next(json.loads(odd.body)["audio"] for odd in hostile.recordings() if odd.name == "wav as wav")}
    answer = api.call("POST", hostile.CALL, body)
    assert answer.status == 200, answer
    assert answer.document["decision"] in {"ACCEPT", "STEP_UP", "INCONCLUSIVE"}


def contract() -> dict[str, Any]:
    """Without the signature of requests, which the API of AWS looks at and the local one does not."""
    contract: dict[str, Any] = json.loads(document())
    del contract["components"]["securitySchemes"]
    for methods in contract["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    return contract


SCHEMA = schemathesis.openapi.from_dict(contract())
OPERATIONS = {operation.label: operation for methods in SCHEMA.values() for operation in methods.values()}
NAMES = {"domain": DOMAIN, "speaker": SPEAKER}
# These would end what the others need.
DESTRUCTIVE = ("DELETE", "PUT", "POST /v1/domains/{domain}/speakers/{speaker}/opt-out")


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@HOSTED
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", [label for label in OPERATIONS if "{" in label])
def test_generated_requests_are_answered_as_the_contract_says(
    api: Api, logs: Logs, session: requests.Session, label: str, mode: GenerationMode
) -> None:
    operation = OPERATIONS[label]
    named = mode is GenerationMode.POSITIVE and not label.startswith(DESTRUCTIVE)
    cases = operation.as_strategy(mode, path_parameters=NAMES) if named else operation.as_strategy(mode)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def send(case: Case[Any]) -> None:
        response = case.call_and_validate(
            base_url=api.endpoint,
            session=session,
            timeout=TIMEOUT,
            checks=[
                not_a_server_error,
                status_code_conformance,
                content_type_conformance,
                response_schema_conformance,
                negative_data_rejection,
            ],
        )
        headers = {name.lower(): values[0] for name, values in response.headers.items()}
        assert list(faults(ApiResponse(response.status_code, headers, response.content, 0.0))) == []

    send()
    assert list(leaks(logs.new())) == []


def test_every_code_is_declared_and_every_declared_code_is_still_made() -> None:
    assert made() == DECLARED
    assert all(CODE.fullmatch(code) for code in DECLARED)


@pytest.mark.parametrize("ending", ["%0A", "%0D", "%00", "%E2%80%AE"])
def test_a_name_has_one_spelling(api: Api, ending: str) -> None:
    for path in (f"/v1/domains/{DOMAIN}{ending}", f"/v1/domains/{DOMAIN}/speakers/{SPEAKER}{ending}"):
        assert api.call("GET", path).code == "route_not_found"


@pytest.mark.parametrize("body", [[], [{}], [{"policy": {}}], "{}", 1, None])
def test_a_body_is_an_object_and_nothing_that_could_be_taken_for_one(api: Api, body: object) -> None:
    answer = send(api.endpoint, "PUT", f"/v1/domains/{DOMAIN}".encode(), json.dumps(body).encode(), [*hostile.JSON])
    assert (answer.status, answer.code) == (400, "body_not_object")


def test_a_body_of_very_many_values_is_refused_before_each_becomes_an_error(api: Api, bonafide: Deployment) -> None:
    """Half a million of unknown fields would be a gigabyte of errors, twice what the function has."""
    many, some = (b",".join(b'"%x":0' % number for number in range(count)) for count in (450_000, 11_000))
    memory = ProcessMeter.of(bonafide.functions).memory()["manage_domains"]
    for body in (b"{%s}" % many, b'{"policy":{%s}}' % some, b'{"policy":[%s]}' % b",".join([b"[]"] * 11_000)):
        answer = send(api.endpoint, "PUT", f"/v1/domains/{DOMAIN}-2".encode(), body, [*hostile.JSON])
        assert (answer.status, answer.code) == (400, "body_too_complex")
    assert ProcessMeter.of(bonafide.functions).memory()["manage_domains"] < max(memory, MOST_MEMORY)


def test_a_seeded_part_of_the_hostile_requests_neither_fails_nor_fills_nor_ends_a_function(
    bonafide: Deployment,
) -> None:
    """The rest is `make hostile`."""
    result = attack(bonafide, hostile_requests(2, tone(440, seconds=5)), 60)
    assert result.bounded, result.report()
    assert sum(result.statuses.values()) == 60


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("policy", "false_accept_cost", True),
        ("policy", "false_accept_cost", "250"),
        ("policy", "minimum_decision_seconds", "3"),
        ("retention", "decision_days", "30"),
        ("retention", "decision_days", True),
        ("retention", "keep_audio", "yes"),
        ("retention", "keep_audio", 1),
        ("retention", "keep_audio", None),
    ],
)
def test_a_value_of_another_type_is_refused_and_not_guessed_at(api: Api, part: str, name: str, value: object) -> None:
    answer = api.call("PUT", f"/v1/domains/{DOMAIN}-3", {part: {name: value}})
    assert (answer.status, answer.code) == (400, "request_invalid")
    assert [error["field"] for error in answer.document["errors"]] == [f"{part}.{name}"]
    assert api.call("GET", f"/v1/domains/{DOMAIN}-3").code == "domain_not_found"


@pytest.mark.parametrize("given_at", [0, 1767225600, "1767225600", "2026-01-01", "2026-01-01T00:00:00"])
def test_when_consent_was_given_is_a_date_and_time_with_an_offset(api: Api, given_at: object) -> None:
    body = {"consent": {"receipt_id": "r-1", "given_at": given_at}, "audio": {"content": ""}}
    answer = api.call("POST", hostile.ENROL, body)
    assert (answer.status, answer.code) == (400, "request_invalid")
    assert [error["field"] for error in answer.document["errors"]] == ["consent.given_at"]


def test_an_unknown_route_is_not_remembered_under_a_key(api: Api) -> None:
    path = b"/v1/domains/a%09/uploads"
    answers = [send(api.endpoint, "POST", path, b"", [b"Idempotency-Key: one"]) for _ in range(2)]
    assert {(answer.code, answer.headers["content-type"]) for answer in answers} == {
        ("route_not_found", "application/problem+json")
    }


def test_media_types_are_known_in_any_letter_case(api: Api) -> None:
    answer = send(
        api.endpoint,
        "PUT",
        f"/v1/domains/{DOMAIN}-2".encode(),
        b"{}",
        [b"content-TYPE: Application/JSON; Charset=utf-8"],
    )
    assert answer.status == 200, answer
