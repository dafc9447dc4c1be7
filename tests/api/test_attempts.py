"""Limits of failed attempts, disclosure and the history of settings, over HTTP."""

from tests.api.parts import Api, audio, enrol
from tests.readings import reading

STRANGER = "train_atkins"


def test_failures_limit_until_a_reset_and_scores_are_told_as_the_policy_says(api: Api, domain: str) -> None:
    settings = {"minimum_enrolment_seconds": 5, "failure_limit": 1, "disclosure": "coarse"}
    assert api.call("PUT", f"/v1/domains/{domain}", {"policy": settings}).status == 200
    enrol(api, domain, "grace", "train_grace")
    speaker = f"/v1/domains/{domain}/speakers/grace"

    def call(reader: str) -> dict[str, object]:
        request = {"audio": audio(reading(reader, 2)), "context": {"caller": "line-1"}}
        return dict(api.call("POST", f"{speaker}/authentications", request).document)

    accepted = call("train_grace")
    assert accepted["decision"] == "ACCEPT"
    assert accepted["speaker"]["llr"] == accepted["speaker"]["threshold"]  # type: ignore[index]
    assert call(STRANGER)["decision"] in {"REJECT", "STEP_UP"}
    limited = call("train_grace")
    assert (limited["decision"], limited["reasons"]) == ("STEP_UP", ["TOO_MANY_FAILURES", "VOICE_MATCH"])
    found = api.call("GET", f"{speaker}/attempts").document
    assert (found["failures"], bool(found["limited_until"]), found["resets"]) == (1, True, [])
    reset = f"/v1/domains/{domain}/attempts/reset"
    for counter in ({"speaker": "grace"}, {"caller": "line-1"}):
        answer = api.call("POST", reset, {**counter, "reason": "wrong name"})
        assert answer.status == 200, answer
        assert [each["reason"] for each in answer.document["resets"]] == ["wrong name"]
    assert call("train_grace")["decision"] == "ACCEPT"
    assert api.call("POST", reset, {"reason": "whose?"}).status == 400
    assert api.call("POST", reset, {"speaker": "nobody", "reason": "why"}).code == "speaker_not_found"


def test_settings_are_kept_with_what_changed(api: Api, domain: str) -> None:
    path = f"/v1/domains/{domain}"
    api.call("PUT", path, {"retention": {"decision_days": 30, "replay_days": 0}})
    api.call("PUT", path, {"policy": {"claim_limit": 5, "minimum_enrolment_seconds": 5}})
    page = api.call("GET", f"{path}/versions?limit=2").document
    assert [each["changed"] for each in page["versions"]] == [["policy.claim_limit"], ["retention.decision_days"]]
    older = api.call("GET", f"{path}/versions?before={page['next_before']}").document
    assert [each["policy"]["claim_limit"] for each in older["versions"]] == [3]
    assert api.call("GET", f"{path}/versions/2").document == page["versions"][1]
    assert api.call("GET", f"{path}/versions?before=1").document["versions"] == []
    assert api.call("GET", f"{path}/versions/99").code == "domain_version_not_found"
    too_many = api.call("PUT", path, {"policy": {"failure_limit": 11}})
    assert (too_many.status, too_many.document["errors"][0]["field"]) == (400, "policy.failure_limit")
