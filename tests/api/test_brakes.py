"""Brakes over REST: they hold while callers call and sessions go on, and end without a release."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ops.brake import main
from tests.api.parts import Api, audio, enrol
from tests.api.test_sessions import Call, piece
from tests.readings import reading

# The promise; the deployment of the tests keeps a state for half a second.
BOUND_SECONDS = 60
BRAKED = ("STEP_UP", ["VOICE_MATCH", "BRAKE_ON"])
FREE = ("ACCEPT", ["VOICE_MATCH"])


@pytest.fixture
def brake(api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """The operator's command."""

    def command(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["brake", "--endpoint", api.endpoint, *arguments])
        return main(), capsys.readouterr().out

    yield command
    api.call("DELETE", "/v1/brake?reason=end+of+the+test")
    time.sleep(0.5)


def within_the_bound(look: Callable[[], Any], wanted: tuple[str, list[str]]) -> None:
    deadline = time.monotonic() + BOUND_SECONDS
    while ((found := look())["decision"], found["reasons"]) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_a_brake_of_the_stage_holds_for_callers_and_for_sessions_that_go_on(api: Api, domain: str, brake: Any) -> None:
    enrol(api, domain, "grace", "train_grace")
    path = f"/v1/domains/{domain}/speakers/grace/authentications"
    recording = {"audio": audio(reading("train_grace", 2))}
    session = Call(api, domain, "grace")
    for number in range(4):
        session.put(number, piece(reading("train_grace", 2), number))
    session.once(lambda found: found["chunks"]["scored"] == 4)
    looks: list[Callable[[], Any]] = [session.evaluation, lambda: api.call("POST", path, recording).document]
    for look in looks:
        within_the_bound(look, FREE)

    code, shown = brake("--reason", "incident 7")
    assert (code, shown.splitlines()[0].startswith("brake of the stage: ON since ")) == (0, True)
    for look in looks:
        within_the_bound(look, BRAKED)
    session.end(4)
    final = session.final()
    assert (final["decision"], final["reasons"]) == BRAKED
    entry = api.call("GET", f"/v1/domains/{domain}/decisions/{final['decision_id']}").document
    assert entry["brakes"] == ["stage"]

    assert brake("--off", "--reason", "incident 7 is over")[0] == 0
    within_the_bound(looks[1], FREE)
    assert session.evaluation() == final


def test_a_brake_of_a_domain_holds_for_its_next_caller_and_for_no_other_domain(
    api: Api, domain: str, brake: Any
) -> None:
    enrol(api, domain, "grace", "train_grace")
    path, recording = (
        f"/v1/domains/{domain}/speakers/grace/authentications",
        {"audio": audio(reading("train_grace", 2))},
    )
    assert brake("--domain", domain, "--reason", "incident 7")[0] == 0
    found = api.call("POST", path, recording).document
    assert (found["decision"], found["reasons"]) == BRAKED
    assert api.call("GET", "/v1/brake").document["on"] is False
    code, shown = brake("--domain", domain, "--off", "--reason", "over")
    assert (code, [line.split("  ")[-1] for line in shown.splitlines()[1:]]) == (
        0,
        [
            "released by arn:aws:iam::123456789012:user/local: over",
            "set by arn:aws:iam::123456789012:user/local: incident 7",
        ],
    )
    assert api.call("POST", path, recording).document["decision"] == "ACCEPT"


def test_every_switch_says_why_and_names_a_domain_that_exists(api: Api, domain: str, brake: Any) -> None:
    path = f"/v1/domains/{domain}/brake"
    for reason in ("", "  ", "x" * 201, "two\nlines", None):
        refused = api.call("PUT", path, {"reason": reason})
        assert (refused.status, refused.code) == (400, "request_invalid")
    for query in ("", "?reason=", "?reason=%20", "?reason=two%0Alines"):
        refused = api.call("DELETE", path + query)
        assert (refused.status, refused.code) == (400, "request_invalid"), query
    assert api.call("GET", path).document == {
        "domain": domain, "on": False, "since": None, "reason": None, "changed_by": None, "changes": []
    }  # fmt: skip
    for answer in (
        api.call("PUT", "/v1/domains/nowhere/brake", {"reason": "incident 7"}),
        api.call("DELETE", "/v1/domains/nowhere/brake?reason=over"),
        api.call("GET", "/v1/domains/nowhere/brake"),
    ):
        assert (answer.status, answer.code) == (404, "domain_not_found")
    assert brake("--domain", "nowhere", "--reason", "incident 7")[0] == 1


def test_a_switch_is_in_the_log_with_who_and_why(bonafide: Any, api: Api, domain: str) -> None:
    api.call("PUT", f"/v1/domains/{domain}/brake", {"reason": "incident 7"})
    lines = (bonafide.logs / "manage_domains.log").read_text().splitlines()
    entries = [json.loads(line) for line in lines if '"brake set"' in line and domain in line]
    assert [(each["level"], each["reason"], each["version"], each["principal"]) for each in entries] == [
        ("WARNING", "incident 7", 1, "arn:aws:iam::123456789012:user/local")
    ]
