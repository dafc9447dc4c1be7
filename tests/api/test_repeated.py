"""Requests that are repeated under their keys after the person, or the domain, is gone."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from bonafide_client import ApiResponse
from tests.api.parts import Api, audio, enrolment
from tests.readings import reading


class Repeated:
    """One enrollment and one authentication, each always with the same key and body."""

    def __init__(self, api: Api, domain: str) -> None:
        self.api, self.domain, self.ann = api, f"/v1/domains/{domain}", f"/v1/domains/{domain}/speakers/ann"
        self._speech = {"audio": audio(reading("train_grace", 2))}
        self._consent = enrolment(reading("train_grace", 1))
        self._keys = [str(uuid.uuid4()) for _ in range(3)]

    def enroll(self) -> ApiResponse:
        return self._post("enrollments", self._consent, 0)

    def authenticate(self) -> ApiResponse:
        return self._post("authentications", self._speech, 1)

    def opt_out(self) -> ApiResponse:
        return self._post("opt-out", None, 2)

    def enroll_anew(self) -> None:
        body = enrolment(reading("train_grace", 1), given_at=datetime.now(UTC))
        assert self.api.call("POST", f"{self.ann}/enrollments", body).document["status"] == "ENROLLED"

    def _post(self, what: str, body: Any, key: int) -> ApiResponse:
        return self.api.call("POST", f"{self.ann}/{what}", body, key=self._keys[key])


@pytest.fixture
def repeated(api: Api, domain: str) -> Repeated:
    repeated = Repeated(api, domain)
    assert repeated.enroll().document["status"] == "ENROLLED"
    assert repeated.authenticate().document["decision"] == "ACCEPT"
    assert repeated.authenticate().document["decision"] == "ACCEPT"
    return repeated


def outdated(*answers: ApiResponse) -> bool:
    return {(answer.status, answer.code) for answer in answers} == {(409, "answer_outdated")}


def test_nobody_who_opted_out_is_accepted_again(repeated: Repeated) -> None:
    assert [repeated.opt_out().document["status"] for _ in range(2)] == ["OPTED_OUT"] * 2
    assert outdated(repeated.authenticate(), repeated.enroll())
    repeated.enroll_anew()
    assert outdated(repeated.authenticate(), repeated.enroll(), repeated.opt_out())
    assert repeated.api.call("GET", repeated.ann).document["status"] == "ENROLLED"


def test_nobody_who_was_deleted_is_accepted_or_enrolled_again(repeated: Repeated) -> None:
    assert repeated.api.call("DELETE", repeated.ann).status == 204
    assert outdated(repeated.authenticate(), repeated.enroll())
    assert repeated.api.call("GET", repeated.ann).code == "speaker_not_found"
    repeated.enroll_anew()
    assert outdated(repeated.authenticate(), repeated.enroll())


def test_a_domain_that_is_created_again_repeats_no_answer_of_its_predecessor(repeated: Repeated) -> None:
    assert repeated.api.call("DELETE", f"{repeated.domain}?force=true").status == 204
    assert outdated(repeated.authenticate(), repeated.enroll())
    repeated.api.call("PUT", repeated.domain, {"policy": {"minimum_enrolment_seconds": 5}})
    assert outdated(repeated.authenticate(), repeated.enroll())
    repeated.enroll_anew()
    assert outdated(repeated.authenticate(), repeated.enroll())
