"""Signatures of requests: SigV4 for an API on AWS, none for a local one unless the environment asks for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from bonafide_client.errors import MissingCredentials

if TYPE_CHECKING:
    from botocore.credentials import Credentials

API_GATEWAY = "execute-api"
# Region of an API whose host name does not say it: one with a domain name of its own, or a local one.
REGION_VARIABLE = "BONAFIDE_SIGNING_REGION"


class Signer(Protocol):
    """Adds to the headers of a request whatever proves who sends it."""

    def sign(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Returns all headers of one attempt."""


class Unsigned:
    """`Signer` that adds nothing."""

    def sign(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:  # noqa: ARG002
        """Returns the headers as they are."""
        return dict(headers)


class SigV4Signer:
    """`Signer` for an API on AWS; needs botocore (`pip install 'bonafide-client[aws]'`)."""

    def __init__(self, region: str, credentials: Credentials | None = None) -> None:
        """Takes the identity to sign with.

        Args:
            region: of the API.
            credentials: of botocore; those of the environment if there are none.

        Raises:
            MissingCredentials: there are no credentials, or botocore is not installed.
        """
        self._region = region
        self._credentials = credentials or _environment_credentials()

    def sign(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Returns the headers with a signature that is good for a few minutes."""
        # Imported here, so that unsigned use needs no botocore.
        from botocore.auth import SigV4Auth  # noqa: PLC0415
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415

        request = AWSRequest(method, url, dict(headers), body)
        SigV4Auth(self._credentials.get_frozen_credentials(), API_GATEWAY, self._region).add_auth(request)
        return dict(request.headers.items())


def signer_for(endpoint: str) -> Signer:
    """Returns the signer that an endpoint needs: SigV4 for the host name of an API on AWS, none for any other.

    With BONAFIDE_SIGNING_REGION in the environment, requests to any other are signed for that region.

    Raises:
        MissingCredentials: it is an API on AWS, and there is nothing to sign with.
    """
    labels = (urlsplit(endpoint).hostname or "").split(".")
    if API_GATEWAY not in labels:
        region = os.environ.get(REGION_VARIABLE)
        return SigV4Signer(region) if region else Unsigned()
    return SigV4Signer(labels[labels.index(API_GATEWAY) + 1])


def _environment_credentials() -> Credentials:
    try:
        import botocore.session  # noqa: PLC0415
    except ImportError as error:
        raise MissingCredentials("botocore signs requests to AWS: pip install 'bonafide-client[aws]'") from error
    credentials = botocore.session.get_session().get_credentials()
    if credentials is None:
        raise MissingCredentials("there are no AWS credentials to sign requests with")
    return credentials
