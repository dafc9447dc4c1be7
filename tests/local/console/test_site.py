import json
import re

import pytest

from local.aws.api.proxy import HttpRequest
from local.console.site import CONTENT_SECURITY_POLICY, FILES, ConsoleSite, pages

SITE = ConsoleSite("dev", signed=True)


def request(target: str, method: str = "GET") -> HttpRequest:
    return HttpRequest("id", method, target, [], "127.0.0.1", b"")


def test_the_page_comes_with_a_policy_that_runs_no_script_but_its_own_files() -> None:
    answer = SITE.answer(request("/console/?x"))
    assert answer
    assert answer.status == 200
    assert ("Content-Security-Policy", CONTENT_SECURITY_POLICY) in answer.headers
    assert "script-src 'self'" in CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert not re.search(rb"<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=", answer.body)


def test_no_script_makes_markup_of_text() -> None:
    for path in FILES.rglob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", path.read_text()
        )


def test_settings_say_where_the_api_is() -> None:
    answer = SITE.answer(request("/console/settings.json"))
    assert answer
    assert json.loads(answer.body) == {"api": "/dev", "region": "us-east-1", "signed": True}


@pytest.mark.parametrize("name", ["README.md", "../README.md", "%2e%2e/README.md", "views", "none.js"])
def test_nothing_else_is_served(name: str) -> None:
    answer = SITE.answer(request(f"/console/{name}"))
    assert answer
    assert answer.status == 404


def test_the_rest_is_the_apis() -> None:
    assert SITE.answer(request("/dev/v1/health")) is None
    assert SITE.answer(request("/consoles/")) is None
    moved, refused = SITE.answer(request("/console")), SITE.answer(request("/console/", "POST"))
    assert moved
    assert refused
    assert (moved.status, refused.status) == (308, 405)


def test_every_import_of_a_script_is_there() -> None:
    for name, path in pages().items():
        for found in re.findall(r'from "(\.[^"]+)"', path.read_text()):
            assert (path.parent / found).resolve() in pages().values(), f"{name} imports {found}"
