"""An analyst at work, in a real browser, on 500 decisions of the local deployment."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore
from bonafide_client import Client
from local.aws.functions.function import ACCOUNT, SECRET
from local.console.__main__ import CALLS, put_calls
from local.console.made import CLONE
from local.runner import Deployment, deployment
from ops.restore import DECISIONS, data_resources
from tests.console.browser import Page, browser
from tests.hosted import HOSTED

pytestmark = [HOSTED, pytest.mark.xdist_group("browser")]

DOMAIN = "acme"
HOSTILE = "<img src=x onerror=\"document.title='hurt'\"><script>document.title='hurt'</script>"
HOSTILE_CALL = str(UUID(int=18))
# Where the pictures of the documents are written, if they are wanted.
PICTURES = "CONSOLE_PICTURES"
ROWS = "[...document.querySelectorAll('tbody tr')]"
LABELED = "[...document.querySelectorAll('input, select')].every(each => each.labels.length || each.ariaLabel)"


@pytest.fixture(scope="module")
def running(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployment(assembly=assembly, logs=tmp_path_factory.mktemp("logs")) as running:
        put_calls(running, DOMAIN, CALLS, datetime.now(UTC))
        yield running


@pytest.fixture(scope="module")
def page(running: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page
        assert page.faults == []


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(os.environ.get(PICTURES) or tmp_path_factory.mktemp("pictures"))


def address(running: Deployment, view: str) -> str:
    return f"{running.console}#/{DOMAIN}/{view}"


def callers(page: Page) -> dict[str, list[str]]:
    """Reads what the other policy does to callers, by their outcome."""
    rows = "[...document.querySelectorAll('#callers tbody tr')].map(row => [...row.cells].map(cell => cell.innerText))"
    return {name: rest for name, *rest in page.run(rows)}


def find_clone(running: Deployment, page: Page, pictures: Path) -> None:
    """Opens the acceptance of yesterday that is likeliest synthetic, by the keyboard."""
    page.open(address(running, "queue"))
    page.wait_for_text("Chosen among")
    page.choose("[name=range]", "yesterday")
    page.wait("location.hash.includes('yesterday')")
    page.choose("[name=decision]", "ACCEPT")
    accepted = f"{ROWS}.length && {ROWS}.every(row => row.innerText.includes('ACCEPT'))"
    page.wait(f"location.hash.includes('ACCEPT') && {accepted}")
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    assert page.run(f"{ROWS}.every(row => row.innerText.startsWith('{yesterday}'))")
    page.picture(pictures / "queue.png")
    shares = f"{ROWS}.map(row => parseFloat(row.cells[5].innerText) || 0)"
    row = page.run(f"(all => all.indexOf(Math.max(...all)))({shares})")
    page.run("document.querySelector('tbody a').focus()")
    for _ in range(row):
        page.press("j", 74, "j")
    page.press("Enter", 13, "\r")
    page.wait_for_text("Other calls that claim")
    page.picture(pictures / "decision.png")
    page.picture(pictures / "stops.png", "#stops")


def label_fraud(page: Page, pictures: Path) -> None:
    """States that the decision was a fraud."""
    page.click("[name=label][value=fraud]")
    page.choose("[name=attack]", "synthetic")
    page.type("[name=source]", "case-4711")
    page.click("#outcome button")
    page.wait_for_text("The outcome was stated.")
    page.picture(pictures / "outcome.png")


def test_an_analyst_finds_a_clone_labels_it_and_sees_what_stops_it_and_at_which_cost(
    running: Deployment, page: Page, pictures: Path
) -> None:
    begin = time.monotonic()
    find_clone(running, page, pictures)
    assert page.run("location.hash").endswith(f"decision/{CLONE}")
    label_fraud(page, pictures)
    page.click("#stops tbody a")
    page.wait_for_text("decisions compared")
    assert "would have been STEP_UP, not ACCEPT" in page.text()
    page.picture(pictures / "what-if.png")
    page.run("document.querySelector('[name=spoof_prior]').value = ''")
    page.type("[name=spoof_prior]", "0.01")
    page.wait_for_text("synthetic voices: 0.01.")
    assert time.monotonic() - begin < 60
    page.picture(pictures / "costs.png")
    found = callers(page)
    assert found["fraud"][1] == "1"
    assert int(found["genuine"][0]) > 100
    assert int(found["genuine"][1]) > 0
    outcome = stored_outcome(running)
    assert (outcome["label"], outcome["attack"], outcome["source"]) == ("fraud", "synthetic", "case-4711")


def stored_outcome(running: Deployment) -> dict[str, Any]:
    with Client(running.endpoint) as client:
        outcome = client.get_decision(DOMAIN, CLONE)["outcome"]
    assert outcome
    return outcome


def test_a_policy_is_staged_activated_and_taken_back(running: Deployment, page: Page, pictures: Path) -> None:
    page.open(address(running, "policy?spoof_prior=0.01"))
    page.wait_for_text("decisions compared")
    page.type("#staging [name=reason]", HOSTILE)
    page.click("#staging button")
    page.wait_for_text("The policy is staged")
    page.picture(pictures / "staged.png", "#staging")
    page.type("#activation [name=reason]", "a clone came through")
    page.click("#activation button:not([type])")
    page.wait_for_text("Policy, version 2")
    page.wait_for_text("a clone came through")
    page.type("#rollback [name=reason]", "too many callers were asked")
    page.click("#rollback button")
    page.wait_for_text("Policy, version 3")
    page.picture(pictures / "versions.png", "#rollback")
    with Client(running.endpoint) as client:
        assert client.get_domain(DOMAIN)["policy"]["spoof_prior"] == 0.001


def test_a_slider_asks_again(running: Deployment, page: Page) -> None:
    page.open(address(running, "policy"))
    page.wait_for_text("No change.")
    page.run("document.querySelector('[aria-label^=\"margin\"]').focus()")
    for _ in range(60):
        page.press("ArrowRight", 39)
    page.wait_for_text("margin of the evidence, nats: 1.8")
    assert int(callers(page)["genuine"][1]) > 0


def test_hostile_text_is_shown_as_it_is(running: Deployment, page: Page) -> None:
    connect = running.emulator.client
    table = DynamoDecisionStore(connect("dynamodb"), data_resources(connect("cloudformation"), "dev")[DECISIONS])
    like = table.read(DOMAIN, CLONE)
    assert like
    now = datetime.now(UTC)
    names: dict[str, Any] = {"speaker": HOSTILE, "call_id": HOSTILE, "principal": HOSTILE}
    table.append(replace(like, decision_id=HOSTILE_CALL, decided_at=now, outcomes=(), **names), now + timedelta(days=1))
    for view in ("decisions", "queue?range=today", f"decision/{HOSTILE_CALL}"):
        page.open(address(running, view))
        page.wait_for_text(HOSTILE)
        assert page.run("document.querySelectorAll('main img, main script').length") == 0
        assert "hurt" not in page.run("document.title")


@pytest.mark.parametrize("view", ["queue", "decisions", "policy", "watchlists", "speakers", "models", "health"])
def test_views_are_labeled_and_fit_a_narrow_window(running: Deployment, page: Page, view: str) -> None:
    page.call("Emulation.setDeviceMetricsOverride", width=480, height=900, deviceScaleFactor=1, mobile=False)
    page.open(address(running, view))
    page.wait(f"document.title.toLowerCase().startsWith({json.dumps(view)}) && !document.querySelector('[aria-busy]')")
    page.wait("document.activeElement.tagName === 'H1'")
    assert page.run(LABELED)
    assert page.run("document.querySelector('.problem')?.innerText ?? ''") == ""
    assert page.run("document.documentElement.scrollWidth <= innerWidth")


def test_a_dark_page(running: Deployment, page: Page, pictures: Path) -> None:
    page.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    page.open(address(running, f"decision/{CLONE}"))
    page.wait_for_text("Other calls that claim")
    page.picture(pictures / "dark.png")
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"


def test_requests_are_signed_once_somebody_signed_in(running: Deployment, page: Page) -> None:
    keys = json.dumps({"key": ACCOUNT, "secret": SECRET, "token": ""})
    page.open(address(running, "queue"))
    page.wait_for_text("Chosen among")
    page.run(f"import('{running.console}api.js').then(api => api.signIn({keys}))")
    page.open(address(running, f"decision/{CLONE}"))
    page.wait_for_text("Other calls that claim")
    page.click("[name=label][value=unknown]")
    page.click("#outcome button")
    page.wait_for_text("The outcome was stated.")
    assert stored_outcome(running)["stated_by"] == f"arn:aws:iam::{ACCOUNT}:root"
    page.run(
        f"import('{running.console}api.js').then(api => api.signIn({{key: '{ACCOUNT}', secret: 'wrong', token: ''}}))"
    )
    page.open(address(running, "decisions"))
    page.wait_for_text("signature")
    # Leaves nobody signed in.
    page.open("about:blank")
