"""Domains, speakers and uploads over REST, with real voices."""

import time
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tests.api.parts import Api, audio, enrol, enrolment
from tests.audio.signals import pcm
from tests.audio.wav_writer import wav
from tests.readings import call, lasting, reading

ROUNDS = 12
READERS = ("train_grace", "train_atkins")


def test_the_right_voice_is_accepted_and_another_is_not(api: Api, domain: str) -> None:
    enrol(api, domain, "grace", "train_grace")
    path = f"/v1/domains/{domain}/speakers/grace/authentications"
    genuine = api.call("POST", path, {"audio": audio(reading("train_grace", 2)), "context": {"call_id": "call-1"}})
    impostor = api.call("POST", path, {"audio": audio(reading("train_atkins", 2))})
    assert genuine.document["decision"] == "ACCEPT", genuine
    assert genuine.document["call_id"] == "call-1"
    assert impostor.document["decision"] in {"REJECT", "STEP_UP"}, impostor
    assert genuine.document["speaker"]["llr"] > impostor.document["speaker"]["llr"] + 2


def test_a_telephone_call_meets_a_wideband_voiceprint(api: Api, domain: str) -> None:
    enrol(api, domain, "grace", "train_grace")
    path = f"/v1/domains/{domain}/speakers/grace/authentications"
    answer = api.call("POST", path, {"audio": audio(call("train_grace", 2))}).document
    assert (answer["channel"], answer["decision"]) != ("narrowband", "REJECT")


def test_a_stranger_is_not_added_to_a_voiceprint_and_a_recording_counts_once(api: Api, domain: str) -> None:
    enrol(api, domain, "ann", "train_grace")
    path = f"/v1/domains/{domain}/speakers/ann/enrollments"
    answer = api.call("POST", path, enrolment(reading("train_atkins", 1)))
    assert (answer.status, answer.code) == (409, "enrollment_mismatch")
    assert "delete the speaker" in answer.document["detail"]
    again = api.call("POST", path, enrolment(reading("train_grace", 1))).document
    more = api.call("POST", path, enrolment(call("train_grace", 2))).document
    assert (again["repeated"], more["repeated"]) == (True, False)
    assert again["total_speech_seconds"] == again["speech_seconds"]
    assert more["total_speech_seconds"] == pytest.approx(
        again["total_speech_seconds"] + more["speech_seconds"], abs=0.02
    )


def test_a_contribution_is_listed_and_can_be_taken_back(api: Api, domain: str) -> None:
    path, key, body = f"/v1/domains/{domain}/speakers/ann", str(uuid.uuid4()), enrolment(reading("train_grace", 1))
    first = api.call("POST", f"{path}/enrollments", body, key=key).document
    more = api.call("POST", f"{path}/enrollments", enrolment(call("train_grace", 2))).document
    assert {each["liveness"] for each in (first, more)} <= {"bona_fide", "uncertain"}
    listed = api.call("GET", f"{path}/contributions").document["contributions"]
    assert [each["contribution_id"] for each in listed] == [more["enrollment_id"], first["enrollment_id"]]
    for name, seconds in ((first["enrollment_id"], more["speech_seconds"]), (more["enrollment_id"], 0.0)):
        answers = [api.call("DELETE", f"{path}/contributions/{name}") for _ in range(2)]
        assert [each.document["total_speech_seconds"] for each in answers] == [seconds] * 2
    assert api.call("GET", path).document["status"] == "PENDING"
    assert api.call("POST", f"{path}/enrollments", body, key=key).code == "answer_outdated"
    assert api.call("DELETE", f"{path}/contributions/none").code == "contribution_not_found"
    entries = api.call("GET", f"/v1/domains/{domain}/audit").document["entries"]
    taken = [each["subject"] for each in entries if each["operation"] == "takeBackContribution"]
    assert len(taken) == 5
    assert len({each["speaker_digest"] for each in taken}) == 1


@pytest.mark.parametrize(
    ("method", "suffix", "code"),
    [("POST", "/opt-out", "speaker_opted_out"), ("DELETE", "", "speaker_not_found")],
)
def test_who_leaves_is_unknown_to_the_very_next_call(
    api: Api, domain: str, method: str, suffix: str, code: str
) -> None:
    body = {"audio": audio(lasting(reading("train_grace", 2), 1))}
    for round_ in range(ROUNDS):
        path = f"/v1/domains/{domain}/speakers/speaker-{round_}"
        enrol(api, domain, f"speaker-{round_}", "train_grace")
        assert api.call("POST", f"{path}/authentications", body).status == 200
        assert api.call(method, f"{path}{suffix}").status in {200, 204}
        assert api.call("POST", f"{path}/authentications", body).code == code


def test_who_opted_out_comes_back_with_new_consent_only(api: Api, domain: str) -> None:
    path = f"/v1/domains/{domain}/speakers/ann"
    enrol(api, domain, "ann", "train_grace")
    assert api.call("POST", f"{path}/opt-out").document["status"] == "OPTED_OUT"
    passage = reading("train_grace", 1)
    refused = api.call("POST", f"{path}/enrollments", enrolment(passage))
    assert (refused.status, refused.code) == (409, "speaker_opted_out")
    answer = api.call("POST", f"{path}/enrollments", enrolment(passage, given_at=datetime.now(UTC)))
    assert answer.document["status"] == "ENROLLED", answer


def test_consent_in_the_future_is_refused(api: Api, domain: str) -> None:
    body = enrolment(reading(), given_at=datetime.now(UTC) + timedelta(minutes=5))
    answer = api.call("POST", f"/v1/domains/{domain}/speakers/ann/enrollments", body)
    assert (answer.status, answer.code) == (400, "consent_in_future")


def test_a_domain_is_deleted_only_when_it_is_empty_or_by_force(api: Api, domain: str) -> None:
    path = f"/v1/domains/{domain}"
    enrol(api, domain, "ann", "train_grace")
    refused = api.call("DELETE", path)
    assert (refused.status, refused.code) == (409, "domain_not_empty")
    assert api.call("GET", f"{path}/speakers/ann").status == 200
    assert api.call("DELETE", f"{path}?force=true").status == 204
    for gone in (path, f"{path}/speakers", f"{path}/speakers/ann"):
        assert api.call("GET", gone).code == "domain_not_found"


def test_an_empty_domain_is_deleted_and_may_be_created_again(api: Api, domain: str) -> None:
    for _ in range(2):
        deleted = api.call("DELETE", f"/v1/domains/{domain}")
        assert (deleted.status, deleted.content) == (204, b"")
        assert api.call("PUT", f"/v1/domains/{domain}", {}).document["policy_version"] == 1


def test_the_same_settings_again_are_answered_with_the_same_domain(api: Api, domain: str) -> None:
    settings = {"policy": {"impostor_prior": 0.05}, "retention": {"decision_days": 30, "keep_audio": True}}
    answers = [api.call("PUT", f"/v1/domains/{domain}", settings) for _ in range(2)]
    assert answers[0].content == answers[1].content == api.call("GET", f"/v1/domains/{domain}").content
    assert answers[0].document["policy_version"] == 2


def test_pages_lead_through_all_speakers(api: Api, domain: str) -> None:
    passage = lasting(reading(), 1.5)
    names = ["ann", "bob", "cid", "dan", "eve"]
    for name in names:
        created = api.call("POST", f"/v1/domains/{domain}/speakers/{name}/enrollments", enrolment(passage))
        assert created.status == 200, created
    found: list[str] = []
    query = "?limit=2"
    while query:
        page = api.call("GET", f"/v1/domains/{domain}/speakers{query}").document
        found += [speaker["speaker"] for speaker in page["speakers"]]
        query = f"?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert found == names


def test_an_uploaded_recording_is_listened_to_like_an_inline_one(api: Api, domain: str) -> None:
    path = f"/v1/domains/{domain}/speakers/ann"
    offer = api.call("POST", f"/v1/domains/{domain}/uploads").document
    passage = reading("train_grace", 1)
    upload = urllib.request.Request(offer["url"], wav(pcm(passage.samples), passage.rate), method="PUT")
    with urllib.request.urlopen(upload, timeout=10) as answer:
        assert answer.status == 200
    body = enrolment(passage) | {"audio": {"upload": offer["upload"]}}
    uploaded = api.call("POST", f"{path}/enrollments", body).document
    inline = api.call("POST", f"{path}-2/enrollments", enrolment(passage)).document
    assert uploaded["speech_seconds"] == inline["speech_seconds"]
    assert uploaded["quality"] == inline["quality"]


def test_an_upload_whose_length_was_stated_takes_no_other(api: Api, domain: str) -> None:
    path = f"/v1/domains/{domain}/uploads"
    url = api.call("POST", path, {"content_length": 4}).document["url"]
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(urllib.request.Request(url, b"RIFF+", method="PUT"), timeout=10)
    refusal.value.close()
    assert refusal.value.code == 403
    urllib.request.urlopen(urllib.request.Request(url, b"RIFF", method="PUT"), timeout=10).close()


@pytest.mark.parametrize("length", [0, -1, 12 * 1024 * 1024 + 1, 1.5, "many"])
def test_a_length_that_no_recording_has_is_refused(api: Api, domain: str, length: object) -> None:
    answer = api.call("POST", f"/v1/domains/{domain}/uploads", {"content_length": length})
    assert (answer.status, answer.code) == (400, "request_invalid")
    assert [error["field"].split(".")[-1] for error in answer.document["errors"]] == ["content_length"]


def test_an_upload_that_never_came_or_belongs_to_another_domain_is_not_found(api: Api, domain: str) -> None:
    other = f"other-{uuid.uuid4()}"
    api.call("PUT", f"/v1/domains/{other}", {})
    offer = api.call("POST", f"/v1/domains/{other}/uploads").document
    urllib.request.urlopen(urllib.request.Request(offer["url"], b"RIFF", method="PUT"), timeout=10).close()
    for upload in (offer["upload"], "never", f"../{other}/{offer['upload']}"):
        body = enrolment(reading()) | {"audio": {"upload": upload}}
        answer = api.call("POST", f"/v1/domains/{domain}/speakers/ann/enrollments", body)
        assert (answer.status, answer.code) == (404, "upload_not_found")


def test_an_upload_is_the_same_when_its_request_is_repeated_and_its_url_is_new(api: Api, domain: str) -> None:
    path, key = f"/v1/domains/{domain}/uploads", str(uuid.uuid4())
    first = api.call("POST", path, key=key).document
    time.sleep(1.1)  # the signature of a URL tells whole seconds
    again = api.call("POST", path, key=key).document
    assert (first["upload"], first["url"]) != (again["upload"], again["url"])
    assert first["upload"] == again["upload"]
    assert api.call("POST", path, {"content_length": 4}, key=key).code == "idempotency_key_reused"


def test_a_decision_is_read_by_its_identifier_and_listed_by_time(api: Api, domain: str) -> None:
    enrol(api, domain, "ann", "train_grace")
    path = f"/v1/domains/{domain}/speakers/ann/authentications"
    before = datetime.now(UTC)
    answers = [api.call("POST", path, {"audio": audio(reading(name, 2))}).document for name in READERS]
    ledger = f"/v1/domains/{domain}/decisions"
    for answer in answers:
        entry = api.call("GET", f"{ledger}/{answer['decision_id']}").document
        assert (entry["decision"], entry["kind"]) == (answer["decision"], "authentication")
        assert round(entry["speaker"]["llr"], 3) == answer["speaker"]["llr"]
        assert entry["timings_ms"].keys() >= {"decode", "find_speech", "embed"}
    query = f"from={before.isoformat().replace('+', '%2B')}&limit=1"
    first = api.call("GET", f"{ledger}?{query}").document
    second = api.call("GET", f"{ledger}?{query}&cursor={first['next_cursor']}").document
    listed = [page["decisions"][0]["decision_id"] for page in (first, second)]
    assert listed == [answer["decision_id"] for answer in reversed(answers)]
    accepted = api.call("GET", f"{ledger}?decision=ACCEPT&speaker=ann").document["decisions"]
    assert [entry["decision_id"] for entry in accepted] == [answers[0]["decision_id"]]


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("from=yesterday", "request_invalid", "query.from"),
        ("from=2026", "request_invalid", "query.from"),
        ("from=2026-01-01T00:00:00", "request_invalid", "query.from"),
        ("from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "time_range_empty", "from"),
        ("to=0001-01-10T00:00:00Z", "request_invalid", "query.to"),
        ("from=0001-01-01T00:00:00%2B10:00", "request_invalid", "query.from"),
        ("to=9999-12-31T23:59:59-10:00&from=2026-01-01T00:00:00Z", "request_invalid", "query.to"),
        ("decision=MAYBE", "request_invalid", "query.decision"),
        ("speaker=..", "request_invalid", "query.speaker"),
        ("limit=101", "request_invalid", "query.limit"),
        ("cursor=YW5u", "cursor_invalid", "cursor"),
    ],
)
def test_a_query_that_selects_nothing_possible_is_refused_by_its_parameter(
    api: Api, domain: str, query: str, code: str, field: str
) -> None:
    refused = api.call("GET", f"/v1/domains/{domain}/decisions?{query}")
    assert (refused.status, refused.code) == (400, code)
    assert refused.document["errors"][0]["field"] == field
