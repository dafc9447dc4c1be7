"""The published contract is the one that is served."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from bonafide.http.openapi import cacheable, document
from local.aws.template import StackTemplate
from tests.api.parts import Api
from tests.api.raw import send

ROOT = Path(__file__).resolve().parents[2]
NOT_DESCRIBED = {("get", "/v1/openapi.json"), ("get", "/v1/docs")}


def test_the_contract_is_what_the_functions_say_of_themselves() -> None:
    # In a process of its own, since the functions read their environment when they are imported.
    program = "import json, local.contracts.openapi; print(json.dumps(local.contracts.openapi.generate()))"
    generated = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True)
    assert json.loads(document()) == json.loads(generated.stdout), "run `make openapi`"


def test_the_contract_is_valid_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(json.loads(document())).iter_errors()) == []


def test_every_operation_has_a_name_of_its_own_a_summary_and_problem_documents() -> None:
    operations = [each for path in json.loads(document())["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"]
        refusals = [answer for status, answer in operation["responses"].items() if int(status) >= 400]
        assert all(list(answer["content"]) == ["application/problem+json"] for answer in refusals)


def test_the_contract_describes_the_routes_that_are_deployed(assembly: Path) -> None:
    described = {(method, path) for path, methods in json.loads(document())["paths"].items() for method in methods}
    template = StackTemplate.read(assembly, "Bonafide-dev-Service", defaultdict(str))
    deployed = {(route.method.lower(), route.path) for route in template.routes()}
    assert described | NOT_DESCRIBED == deployed


def test_the_contract_is_served_as_it_is_published(api: Api) -> None:
    answer = api.call("GET", "/v1/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.content.decode() == document()


def test_a_public_document_is_sent_again_only_when_it_has_changed(api: Api) -> None:
    first = api.call("GET", "/v1/openapi.json")
    assert first.headers["cache-control"] == "public, max-age=3600"
    known = [b"If-None-Match: " + first.headers["etag"].encode()]
    for path in (b"/v1/openapi.json", b"/v1/docs"):
        again = send(api.endpoint, "GET", path, headers=known)
        assert (again.status, again.content == b"") == ((304, True) if path.endswith(b"json") else (200, False))


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', '"other",W/{}'])
def test_a_copy_is_known_by_its_tag(known: str) -> None:
    tag = cacheable("text", "text/plain", None).headers["ETag"]
    answer = cacheable("text", "text/plain", known.format(tag))
    assert (answer.status_code, answer.body, answer.headers["ETag"]) == (304, "", tag)
    assert cacheable("other text", "text/plain", known.format(tag)).status_code == 200


def test_the_contract_is_sent_without_white_space() -> None:
    assert document() == json.dumps(json.loads(document()), separators=(",", ":"))


def test_the_page_to_browse_it_needs_nothing_from_elsewhere(api: Api) -> None:
    answer = api.call("GET", "/v1/docs")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = answer.content.decode()
    assert "authenticateCaller" in page
    assert "swagger" in page.lower()
    assert 'src="http' not in page
    assert '<link rel="stylesheet" href="http' not in page


def test_health_names_version_and_stage(api: Api) -> None:
    answer = api.call("GET", "/v1/health")
    assert answer.document.keys() == {"status", "version", "stage"}
    assert answer.document["status"] == "ok"
