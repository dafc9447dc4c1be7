"""Signatures as the public client and botocore make them, and everything that can be wrong with one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bonafide_client import SigV4Signer
from local.aws.api.definition import GatewayError
from local.aws.api.identity import LOCAL_ADMINISTRATOR, SenderIdentity
from local.aws.api.proxy import HttpRequest
from local.aws.api.signature import SignatureCheck
from local.aws.functions.function import REGION

URL = "http://127.0.0.1:8000/dev/v1/domains/acme?limit=1&from=2026-01-01T00%3A00%3A00Z&a=%20b"
KEY: dict[str, Any] = {
    "secret": "s3cret",
    "token": None,
    "arn": "arn:aws:iam::1:user/ann",
    "user_id": "AIDA1",
    "account": "1",
}
SESSION: dict[str, Any] = {
    **KEY,
    "token": "session/token+=",
    "arn": "arn:aws:sts::1:assumed-role/r/s",
    "user_id": "AROA1:s",
}
KEYS: dict[str, dict[str, Any]] = {"AKIA1": KEY, "ASIA1": SESSION, "ASIAOLD": {"error": "ExpiredTokenException"}}
BODY = b'{"policy": {}}'

CHECK = SignatureCheck(lambda key: KEYS.get(key, {"error": "UnrecognizedClientException"}), signed_only=True)

type Headers = dict[str, str]


def user() -> Credentials:
    return Credentials("AKIA1", "s3cret")


def session() -> Credentials:
    return Credentials("ASIA1", "s3cret", "session/token+=")


def arrived(headers: Headers, *, url: str = URL, method: str = "PUT", body: bytes = BODY) -> HttpRequest:
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return HttpRequest("id", method, target, [("Host", parts.netloc), *headers.items()], "127.0.0.1", body)


def signed(who: Credentials, headers: Headers | None = None, url: str = URL) -> Headers:
    return SigV4Signer(REGION, who).sign("PUT", url, BODY, headers or {"Content-Type": "application/json"})


def refusal(request: HttpRequest) -> GatewayError:
    with pytest.raises(GatewayError) as refused:
        CHECK.sender(request)
    assert refused.value.status == 403
    return refused.value


@pytest.mark.parametrize("path", ["", "/speakers/a%20b", "/speakers/%41", "/speakers/a~b_c-d.e", "//x", "/a/../b"])
def test_what_the_public_client_signs_is_taken(path: str) -> None:
    url = f"http://127.0.0.1:8000/dev/v1/domains/acme{path}?x=1&y=&x=0"
    headers = signed(user(), url=url)
    assert CHECK.sender(arrived(headers, url=url)) == SenderIdentity("AKIA1", KEY["arn"], "AIDA1", "1")
    assert CHECK.sender(arrived(signed(session()))).arn == SESSION["arn"]


def test_a_presigned_request_is_taken_for_as_long_as_it_says() -> None:
    for who in (user(), session()):
        request = AWSRequest("GET", URL)
        SigV4QueryAuth(who, "execute-api", REGION, expires=60).add_auth(request)
        taken = arrived({}, url=str(request.url), method="GET", body=b"")
        assert CHECK.sender(taken).access_key == who.access_key
        for changed in (replace(taken, body=b"other"), replace(taken, target=taken.target.replace("=60", "=600"))):
            assert refusal(changed).kind == "INVALID_SIGNATURE"


@pytest.mark.parametrize(
    "change",
    [
        {"method": "POST"},
        {"body": b'{"policy": {"impostor_prior": 0.4}}'},
        {"url": URL.replace("acme", "other")},
        {"url": URL.replace("limit=1", "limit=2")},
        {"url": URL.replace("127.0.0.1:8000", "127.0.0.1:9000")},
        {"url": URL.replace("/domains/", "/%64omains/")},
    ],
)
def test_what_was_changed_after_signing_is_refused(change: Any) -> None:
    refused = refusal(arrived(signed(user()), **change))
    assert str(refused).startswith("The request signature we calculated does not match")
    assert refused.type == "InvalidSignatureException"


def without(name: str) -> Callable[[Headers], Headers]:
    return lambda headers: {key: value for key, value in headers.items() if key != name}


def authorization(old: str, new: str) -> Callable[[Headers], Headers]:
    return lambda headers: headers | {"Authorization": headers["Authorization"].replace(old, new)}


@pytest.mark.parametrize(
    "change",
    [
        without("X-Amz-Date"),
        without("Content-Type"),
        lambda headers: headers | {"Content-Type": "text/plain"},
        lambda headers: headers | {"X-Amz-Extra": "unsigned"},
        lambda headers: headers | {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"},
        lambda headers: headers | {"Authorization": "Bearer token"},
        lambda headers: headers | {"Authorization": "AWS4-HMAC-SHA256 nothing"},
        authorization("host;", ""),
        authorization("/us-east-1/", "/eu-west-1/"),
        authorization("/execute-api/", "/s3/"),
        authorization("Signature=", "Signature=0"),
        authorization("aws4_request", "aws5_request"),
    ],
)
def test_a_signature_that_covers_less_or_something_else_is_refused(change: Callable[[Headers], Headers]) -> None:
    assert refusal(arrived(change(signed(user())))).kind == "INVALID_SIGNATURE"


@pytest.mark.parametrize(("minutes", "taken"), [(-6, False), (-4, True), (4, True), (6, False)])
def test_a_signature_holds_for_five_minutes(minutes: int, taken: bool) -> None:
    stamp = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y%m%dT%H%M%SZ")
    request = AWSRequest("PUT", URL, {"X-Amz-Date": stamp, "Host": "127.0.0.1:8000"}, BODY)
    request.context["timestamp"] = stamp
    auth = SigV4Auth(user(), "execute-api", REGION)
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    scope = f"AKIA1/{stamp[:8]}/{REGION}/execute-api/aws4_request"
    header = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={signature}"
    arriving = arrived({"X-Amz-Date": stamp, "Authorization": header})
    if taken:
        assert CHECK.sender(arriving).access_key == "AKIA1"
    else:
        assert str(refusal(arriving)).startswith("Signature ")


@pytest.mark.parametrize(
    "who", [Credentials("AKIANOBODY", "s3cret"), Credentials("ASIA1", "s3cret"), Credentials("ASIA1", "s3cret", "x"),
            Credentials("AKIA1", "s3cret", "a token that a user has not")]
)  # fmt: skip
def test_an_unknown_key_or_a_wrong_token_is_refused(who: Credentials) -> None:
    refused = refusal(arrived(signed(who)))
    assert str(refused) == "The security token included in the request is invalid."
    assert refused.type == "UnrecognizedClientException"


def test_a_session_that_is_over_is_refused() -> None:
    refused = refusal(arrived(signed(Credentials("ASIAOLD", "s3cret", "token"))))
    assert (refused.kind, refused.type) == ("EXPIRED_TOKEN", "ExpiredTokenException")


def test_a_wrong_secret_is_refused() -> None:
    assert refusal(arrived(signed(Credentials("AKIA1", "guess")))).kind == "INVALID_SIGNATURE"


def test_a_request_without_signature_is_refused_or_taken_for_the_local_administrators() -> None:
    refused = refusal(arrived({}))
    assert (str(refused), refused.type) == ("Missing Authentication Token", "MissingAuthenticationTokenException")
    assert SignatureCheck(KEYS.__getitem__).sender(arrived({})) == LOCAL_ADMINISTRATOR
