"""Signatures by the stage's own key, of calibrations and of parts of a ledger's day, and secrets of domains.

A signature is the digest of the content, encrypted under an encryption context that names the purpose, the domain and
the version. AES-GCM authenticates both, so only a role that may encrypt under this purpose can make one, and a role
that may decrypt under it can check one and make none. It costs nothing at rest; a signing key would cost 1 USD a month.
https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.errors import StoreUnavailable
from bonafide.ports.keys import KeyRefused
from bonafide.records.calibration import SignedCalibration

# Roles may use the key directly for these purposes only (`stacks/platform/stores.py`).
PURPOSE = "domain-calibration"
WRAPPING_PURPOSE = "caller-reference"
TEMPLATES = "template-protection"
PARTS = "ledger-part"
# What KMS answers where asking again is of no use.
# https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors
REFUSED = {
    "AccessDeniedException",
    "DisabledException",
    "IncorrectKeyException",
    "InvalidCiphertextException",
    "KMSInvalidStateException",
    "NotFoundException",
}
# What KMS answers for a ciphertext, or a context, that it did not make.
FORGED = {"InvalidCiphertextException", "IncorrectKeyException"}


class KmsKey:
    """One symmetric key."""

    def __init__(self, connect: Callable[[], Any], key: str) -> None:
        """Takes what makes a client when the key is first used, and the ARN of the key."""
        self._connect = connect
        self._key = key

    @cached_property
    def _client(self) -> Any:
        return self._connect()


class KmsDigests(KmsKey):
    """Signs digests under encryption contexts."""

    def _signed(self, digest: str, context: Mapping[str, str]) -> str:
        try:
            answer = self._client.encrypt(KeyId=self._key, Plaintext=digest.encode(), EncryptionContext=dict(context))
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable from error
        return base64.b64encode(answer["CiphertextBlob"]).decode()

    def _is_signed(self, signature: str, digest: str, context: Mapping[str, str]) -> bool:
        try:
            sealed = base64.b64decode(signature, validate=True)
        except binascii.Error:
            return False
        return bool(sealed) and self._is_of(sealed, digest, context)

    def _is_of(self, sealed: bytes, digest: str, context: Mapping[str, str]) -> bool:
        try:
            answer = self._client.decrypt(KeyId=self._key, CiphertextBlob=sealed, EncryptionContext=dict(context))
        except ClientError as error:
            if error.response["Error"]["Code"] in FORGED:
                return False
            raise StoreUnavailable from error
        except BotoCoreError as error:
            raise StoreUnavailable from error
        return hmac.compare_digest(answer["Plaintext"], digest.encode())


class KmsSignatures(KmsDigests):
    """`Signatures` by one symmetric key."""

    def sign(self, domain: str, calibration: SignedCalibration) -> str:
        """See `Signatures`."""
        return self._signed(calibration.content_digest, _context(domain, calibration))

    def is_genuine(self, domain: str, calibration: SignedCalibration) -> bool:
        """See `Signatures`."""
        return self._is_signed(calibration.signature, calibration.content_digest, _context(domain, calibration))


class KmsPartSignatures(KmsDigests):
    """`PartSignatures` by one symmetric key."""

    def sign(self, place: str, digest: str) -> str:
        """See `PartSignatures`."""
        return self._signed(digest, {"purpose": PARTS, "place": place})

    def is_genuine(self, place: str, digest: str, signature: str) -> bool:
        """See `PartSignatures`."""
        return self._is_signed(signature, digest, {"purpose": PARTS, "place": place})


class KmsDomainSecrets(KmsKey):
    """`DomainSecrets` by one symmetric key; a secret opens for the stage and domain that it was made for only."""

    def __init__(self, connect: Callable[[], Any], key: str, stage: str) -> None:
        """Takes what makes a client when the first secret is made or opened, the ARN of the key, and the stage."""
        super().__init__(connect, key)
        self._stage = stage

    def make(self, domain: str) -> tuple[bytes, bytes]:
        """See `DomainSecrets`."""
        with _translated():
            answer = self._client.generate_data_key(
                KeyId=self._key, KeySpec="AES_256", EncryptionContext=self._context(domain)
            )
        return answer["Plaintext"], answer["CiphertextBlob"]

    def open(self, domain: str, wrapped: bytes) -> bytes:
        """See `DomainSecrets`."""
        with _translated():
            answer = self._client.decrypt(
                KeyId=self._key, CiphertextBlob=wrapped, EncryptionContext=self._context(domain)
            )
        return bytes(answer["Plaintext"])

    def _context(self, domain: str) -> dict[str, str]:
        return {"purpose": TEMPLATES, "stage": self._stage, "domain": domain}


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        refused = error.response["Error"]["Code"] in REFUSED
        raise (KeyRefused if refused else StoreUnavailable) from error
    except BotoCoreError as error:
        raise StoreUnavailable from error


def _context(domain: str, calibration: SignedCalibration) -> dict[str, str]:
    return {"purpose": PURPOSE, "domain": domain, "version": str(calibration.version)}


class KmsWrapping(KmsKey):
    """Wraps secrets of domains by one symmetric key, under a context that names purpose and domain."""

    def wrap(self, domain: str, secret: bytes) -> bytes:
        """Returns a secret as it may be stored.

        Raises:
            StoreUnavailable: the key did not answer.
        """
        try:
            answer = self._client.encrypt(KeyId=self._key, Plaintext=secret, EncryptionContext=_wrapping(domain))
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable from error
        return bytes(answer["CiphertextBlob"])

    def unwrap(self, domain: str, wrapped: bytes) -> bytes:
        """Returns a secret that `wrap` was given for the domain.

        Raises:
            StoreUnavailable: the key did not answer, or did not wrap this.
        """
        try:
            answer = self._client.decrypt(KeyId=self._key, CiphertextBlob=wrapped, EncryptionContext=_wrapping(domain))
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable from error
        return bytes(answer["Plaintext"])


def _wrapping(domain: str) -> dict[str, str]:
    return {"purpose": WRAPPING_PURPOSE, "domain": domain}
