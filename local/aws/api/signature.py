"""Signatures of requests (SigV4), verified as API Gateway verifies them for routes with IAM authorization.

botocore's own signer computes each signature anew from what arrived.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

import hashlib
import hmac
import json
import re
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from local.aws.api.definition import GatewayError
from local.aws.api.identity import LOCAL_ADMINISTRATOR, SenderIdentity
from local.aws.api.proxy import HttpRequest
from local.aws.credentials_path import PATH
from local.aws.functions.function import REGION

SERVICE = "execute-api"
ALGORITHM = "AWS4-HMAC-SHA256"
# How far the times of a signature and of its check may lie apart.
SKEW = timedelta(minutes=5)
STAMP = "%Y%m%dT%H%M%SZ"
HEADER = re.compile(rf"{ALGORITHM} +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{{64}})")
# Each has to be signed if it is there.
AMZ = "x-amz-"

type Find = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class StatedSignature:
    """A signature with what it says of itself.

    Attributes:
        scope: access key, date, region, service and terminator.
        headers: names of those that are signed.
        signature: hex.
        stamp: time of the signature.
        token: of a session; empty for keys of users.
        seconds: for which it holds.
        url: that was signed, without the signature itself.
    """

    scope: list[str]
    headers: list[str]
    signature: str
    stamp: str
    token: str
    seconds: float
    url: str


class _StatedHeaders(SigV4Auth):
    """botocore's signer over the headers that it is given; of its own accord it leaves some out."""

    def headers_to_sign(self, request: AWSRequest) -> Any:
        """Returns all headers, by names in lower case."""
        chosen = HTTPHeaders()
        for name, value in request.headers.items():
            chosen.add_header(name.lower(), value)
        return chosen


class SignatureCheck:
    """Binds requests to the principals who signed them."""

    def __init__(self, find: Find, *, signed_only: bool = False) -> None:
        """Stores its dependencies.

        Args:
            find: tells what an access key stands for, as `local.aws.credentials` does.
            signed_only: whether requests without a signature are refused, as on AWS, and not taken for those of the
                local administrator.
        """
        self._find = find
        self._signed_only = signed_only

    def sender(self, request: HttpRequest) -> SenderIdentity:
        """Returns the verified identity of who sent a request.

        Raises:
            GatewayError: the signature is missing, or does not hold.
        """
        stated = _stated(request)
        if stated is None:
            if self._signed_only:
                raise GatewayError("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token")
            return LOCAL_ADMINISTRATOR
        _require_scope(stated)
        _require_time(stated, datetime.now(UTC))
        _require_headers(stated, request)
        key = self._find(stated.scope[0])
        _require_key(stated, key)
        if not hmac.compare_digest(_signature(stated, request, key["secret"]), stated.signature):
            raise _invalid(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                "Access Key and signing method. Consult the service documentation for details."
            )
        return SenderIdentity(stated.scope[0], key["arn"], key["user_id"], key["account"])


def emulator_keys(endpoint: str) -> Find:
    """Returns what asks the emulator for its access keys."""

    def find(access_key: str) -> Mapping[str, Any]:
        url = f"{endpoint}{PATH}{quote(access_key, safe='')}"
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310, the emulator's own
            found: Mapping[str, Any] = json.load(answer)
        return found

    return find


def _stated(request: HttpRequest) -> StatedSignature | None:
    """Reads the signature of the header, or of the query; None if there is neither."""
    authorization = request.header("authorization")
    query = dict(parse_qsl(urlsplit(request.target).query, keep_blank_values=True))
    if authorization:
        return _of_header(request, authorization)
    return _of_query(request, query) if "X-Amz-Signature" in query or "X-Amz-Algorithm" in query else None


def _of_header(request: HttpRequest, authorization: str) -> StatedSignature:
    found = HEADER.fullmatch(authorization.strip())
    if not found:
        raise _invalid("Authorization header requires 'Credential', 'Signature' and 'SignedHeaders' parameters.")
    return StatedSignature(
        scope=found[1].split("/"),
        headers=found[2].split(";"),
        signature=found[3],
        stamp=request.header("x-amz-date"),
        token=request.header("x-amz-security-token"),
        seconds=SKEW.total_seconds(),
        url=request.target,
    )


def _of_query(request: HttpRequest, query: Mapping[str, str]) -> StatedSignature:
    parts = urlsplit(request.target)
    rest = "&".join(each for each in parts.query.split("&") if not each.startswith("X-Amz-Signature="))
    if query.get("X-Amz-Algorithm") != ALGORITHM or not query.get("X-Amz-Expires", "").isdecimal():
        raise _invalid("Authorization query parameters need X-Amz-Algorithm, X-Amz-Expires and the rest.")
    return StatedSignature(
        scope=query.get("X-Amz-Credential", "").split("/"),
        headers=query.get("X-Amz-SignedHeaders", "").split(";"),
        signature=query.get("X-Amz-Signature", ""),
        stamp=query.get("X-Amz-Date", ""),
        token=query.get("X-Amz-Security-Token", ""),
        seconds=float(query["X-Amz-Expires"]),
        url=f"{parts.path}?{rest}",
    )


def _require_scope(stated: StatedSignature) -> None:
    wanted = [stated.stamp[:8], REGION, SERVICE, "aws4_request"]
    if stated.scope[1:] != wanted or not stated.scope[0]:
        raise _invalid(f"Credential should be scoped to {'/'.join(wanted)}.")


def _require_time(stated: StatedSignature, now: datetime) -> None:
    try:
        signed = datetime.strptime(stated.stamp, STAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise _invalid("Date must be in ISO-8601 'basic format'.") from error
    if signed - now > SKEW:
        raise _invalid(f"Signature not yet current: {stated.stamp} is still later than {(now + SKEW).strftime(STAMP)}.")
    if now - signed > timedelta(seconds=stated.seconds):
        raise _invalid(f"Signature expired: {stated.stamp} is now earlier than {(now - SKEW).strftime(STAMP)}.")


def _require_headers(stated: StatedSignature, request: HttpRequest) -> None:
    sent = {name.lower() for name, _ in request.headers}
    unsigned = {name for name in sent if name.startswith(AMZ)} - set(stated.headers)
    if "host" not in stated.headers or set(stated.headers) - sent or unsigned:
        raise _invalid("Every signed header has to be there, and 'Host' and every 'X-Amz-' header has to be signed.")


def _require_key(stated: StatedSignature, key: Mapping[str, Any]) -> None:
    if key.get("error") == "ExpiredTokenException":
        raise GatewayError("EXPIRED_TOKEN", 403, "The security token included in the request is expired")
    if "error" in key or not hmac.compare_digest((key["token"] or "").encode(), stated.token.encode()):
        message = "The security token included in the request is invalid."
        raise GatewayError("INVALID_SIGNATURE", 403, message, "UnrecognizedClientException")


def _signature(stated: StatedSignature, request: HttpRequest, secret: str) -> str:
    """Computes the signature of what arrived; the digest of the body that a header states is not relied on."""
    headers = [(name, value) for name, value in request.headers if name.lower() in stated.headers]
    digest = hashlib.sha256(request.body).hexdigest()
    if request.header("x-amz-content-sha256") not in {"", digest}:
        raise _invalid("The value of X-Amz-Content-SHA256 is not the digest of the body.")
    url = f"http://{request.header('host')}{stated.url}"
    signing = AWSRequest(request.method, url, data=request.body)
    for name, value in headers:
        signing.headers.add_header(name, value)
    signing.context["timestamp"] = stated.stamp
    auth = _StatedHeaders(Credentials(stated.scope[0], secret), SERVICE, REGION)
    text = auth.string_to_sign(signing, auth.canonical_request(signing))
    found: str = auth.signature(text, signing)
    return found


def _invalid(message: str) -> GatewayError:
    return GatewayError("INVALID_SIGNATURE", 403, message)
