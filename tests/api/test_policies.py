"""Policies over REST: one in shadow, activation, the way back, and what another one would decide."""

from typing import Any

from tests.api.parts import Api, audio, enrol
from tests.api.test_outcomes import once
from tests.readings import reading


def test_a_policy_is_tried_in_shadow_and_on_stored_decisions(api: Api, domain: str) -> None:
    def decide() -> Any:
        body = {"audio": audio(reading("train_grace", 2))}
        answer = api.call("POST", f"{path}/speakers/grace/authentications", body).document
        assert "staged" not in answer
        return api.call("GET", f"{path}/decisions/{answer['decision_id']}").document

    path = f"/v1/domains/{domain}"
    enrol(api, domain, "grace", "train_grace")
    before = decide()
    assert (before["decision"], before["staged"]) == ("ACCEPT", None)
    wanted = {"policy": {"requires": ["another_factor", "another_factor"]}, "reason": "voice alone is not enough"}
    staged = api.call("PUT", f"{path}/policy/staged", wanted).document
    assert staged["policy"] == {**before["policy"], "requires": ["another_factor"]}
    assert api.call("GET", f"{path}/policy/staged").document == staged
    shadowed = decide()
    judged = {"staged_version": staged["staged_version"], "decision": "STEP_UP"}
    assert shadowed["decision"] == "ACCEPT"
    assert shadowed["staged"] == {**judged, "reasons": ["FACTOR_REQUIRED", "VOICE_MATCH"]}
    report = once(api, f"{path}/policy/staged/report", "compared", 1)
    assert report["counts"] == [{"before": "ACCEPT", "after": "STEP_UP", "outcome": "unknown", "count": 1}]
    assert [each["decision_id"] for each in report["flips"]] == [shadowed["decision_id"]]

    replayed = api.call("POST", f"{path}/policy/what-if", {"policy": wanted["policy"]}).document
    assert (replayed["compared"], replayed["untold"], len(replayed["flips"])) == (2, 0, 2)


def test_a_staged_policy_becomes_active_and_is_taken_back(api: Api, domain: str) -> None:
    path = f"/v1/domains/{domain}"
    before = api.call("GET", path).document
    staged = api.call("PUT", f"{path}/policy/staged", {"policy": {"step_up_cost": 2.0}, "reason": "try it"}).document
    assert api.call("DELETE", f"{path}/policy/staged").document == staged
    assert api.call("GET", f"{path}/policy/staged").code == "policy_not_staged"
    staged = api.call("PUT", f"{path}/policy/staged", {"policy": {"step_up_cost": 2.0}, "reason": "try it"}).document
    activation = {"staged_version": staged["staged_version"], "reason": "tried for a week"}
    outdated = api._client.request("POST", f"{path}/policy/activation", activation, headers={"If-Match": '"other"'})
    assert (outdated.status, outdated.document["code"]) == (412, "domain_revision_outdated")
    active = api.call("POST", f"{path}/policy/activation", activation, key="activate").document
    assert api.call("POST", f"{path}/policy/activation", activation, key="activate").document == active
    assert (active["policy"]["step_up_cost"], active["policy_version"]) == (2.0, before["policy_version"] + 1)
    leaving = {"policy_version": active["policy_version"], "reason": "too many step-ups"}
    assert api.call("POST", f"{path}/policy/rollback", leaving).document["policy"] == before["policy"]
    again = api.call("POST", f"{path}/policy/rollback", leaving)
    assert (again.status, again.document["code"]) == (409, "policy_version_outdated")
    policies = api.call("GET", f"{path}/policies").document["policies"]
    assert [each["action"] for each in policies[:2]] == ["rolled_back", "activated"]
    assert [each["reason"] for each in policies[:2]] == ["too many step-ups", "tried for a week"]
    one = api.call("GET", f"{path}/policies/{active['policy_version']}").document
    assert one == policies[1]
    acts = {each["operation"] for each in api.call("GET", f"{path}/audit").document["entries"]}
    assert {"stagePolicy", "activatePolicy", "rollBackPolicy"} <= acts


def test_a_put_from_a_version_that_is_not_there_any_more_is_refused(api: Api, domain: str) -> None:
    path = f"/v1/domains/{domain}"
    seen = {name.lower(): value for name, value in api.call("GET", path).headers.items()}["etag"]
    for status, limit in ((200, 2), (412, 4)):
        body = {"policy": {"claim_limit": limit}}
        answer = api._client.request("PUT", path, body, headers={"If-Match": seen})
        assert answer.status == status, answer.document
    assert api.call("GET", path).document["policy"]["claim_limit"] == 2
