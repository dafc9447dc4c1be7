"""Access keys of the emulator's IAM and STS, for whoever verifies signatures as AWS's front ends do.

AWS has no call that tells a secret key. This one is served on the loopback interface, where the emulator is.
"""

import json
from http import HTTPStatus
from typing import Any

from ministack.core.iam_evaluator import (  # type: ignore[import-untyped]
    CredentialResolutionError,
    find_iam_access_key_account,
    is_root_access_key,
    resolve_credential,
)
from ministack.services import sts  # type: ignore[import-untyped]

from local.aws.credentials_path import PATH
from local.aws.streams.limits import Application, Message, Receive, Send


class CredentialsApp:
    """ASGI application that tells what an access key stands for, and passes on everything else."""

    def __init__(self, emulator: Application, account: str) -> None:
        self._emulator = emulator
        self._account = account

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or not scope["path"].startswith(PATH):
            await self._emulator(scope, receive, send)
            return
        body = json.dumps(self._find(scope["path"].removeprefix(PATH))).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": HTTPStatus.OK.value, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _find(self, access_key: str) -> dict[str, Any]:
        # The emulator also takes other names for the account's root user.
        if is_root_access_key(access_key) and access_key != self._account:
            return {"error": "UnrecognizedClientException"}
        session = sts._sessions.get(access_key) or {}
        account = session.get("AccountId") or find_iam_access_key_account(access_key) or self._account
        found = resolve_credential(access_key, account)
        if isinstance(found, CredentialResolutionError):
            return {"error": found.code}
        return {
            "secret": found.secret_access_key,
            "token": found.session_token,
            "arn": found.principal_arn,
            "user_id": found.principal_id,
            "account": found.account_id,
        }
