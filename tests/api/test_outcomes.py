"""What calls turned out to be, over REST: stated, counted, and asked for next; and single settings of a domain."""

import uuid
from typing import Any

from tests.api.parts import Api, audio, enrol
from tests.readings import reading


def once(api: Api, path: str, key: str, wanted: Any) -> Any:
    """Asks until an index shows what is in the table."""
    for _ in range(100):
        document = api.call("GET", path).document
        if document[key] == wanted:
            break
    assert document[key] == wanted, document
    return document


def test_an_outcome_is_stated_once_shown_with_its_decision_and_counted(api: Api, domain: str) -> None:
    enrol(api, domain, "grace", "train_grace")
    call = {"audio": audio(reading("train_grace", 2))}
    path = f"/v1/domains/{domain}"
    decision = api.call("POST", f"{path}/speakers/grace/authentications", call).document
    (listed,) = once(api, f"{path}/reviews?decision=ACCEPT", "looked_at", 1)["reviews"]
    assert listed["decision"]["decision_id"] == decision["decision_id"]
    assert listed["decision"]["outcome"] is None
    assert listed["expected_cost"] > 0

    one = f"{path}/decisions/{decision['decision_id']}"
    key, wanted = str(uuid.uuid4()), {"label": "fraud", "attack": "synthetic", "source": "case-1"}
    first = api.call("POST", f"{one}/outcome", wanted, key=key)
    assert first.status == 200, first.document
    assert api.call("POST", f"{one}/outcome", wanted, key=key).document == first.document
    entry = api.call("GET", one).document
    assert (entry["outcome"], entry["outcome_history"]) == (first.document["outcome"], [first.document["outcome"]])
    assert entry["outcome"]["stated_by"]
    report = once(api, f"{path}/performance", "labeled", {"ACCEPT": 1})
    (rates,) = report["by_bundle_and_policy"]
    assert (rates["bundle"], rates["policy_version"]) == (entry["bundle"], entry["policy_version"])
    assert {each["name"]: (each["errors"], each["total"]) for each in rates["rates"]} == {
        "APCER synthetic": (1, 1),
        "IAPAR synthetic": (1, 1),
    }
    for name, status in ((decision["decision_id"], 400), ("unknown", 404)):
        body = {"label": "fraud"} if status == 404 else {"label": "genuine", "attack": "impostor"}
        assert api.call("POST", f"{path}/decisions/{name}/outcome", body).status == status


def test_one_setting_is_changed_from_the_version_that_was_read(api: Api, domain: str) -> None:
    path = f"/v1/domains/{domain}"
    seen = api.call("GET", path)
    tag = {name.lower(): value for name, value in seen.headers.items()}["etag"]
    changes = {"policy": {"claim_limit": 2}}
    unconditional = api.call("PATCH", path, changes)
    assert (unconditional.status, unconditional.document["code"]) == (428, "if_match_missing")
    changed = api._client.request("PATCH", path, changes, headers={"If-Match": tag})
    assert changed.status == 200, changed.document
    assert changed.document["policy"] == {**seen.document["policy"], "claim_limit": 2}
    assert changed.document["retention"] == seen.document["retention"]
    again = api._client.request("PATCH", path, changes, headers={"If-Match": tag})
    assert (again.status, again.document["code"]) == (412, "domain_revision_outdated")
    newest = api.call("GET", f"{path}/versions").document["versions"][0]
    assert newest["changed"] == ["policy.claim_limit"]
