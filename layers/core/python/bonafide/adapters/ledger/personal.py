"""Personal attributes of archived decisions: AES-256-GCM under the data key of the speaker who was claimed.

Who deletes that key, which is how a speaker is erased, makes them unreadable in every copy of the archive.
"""

import base64
from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import translated_errors
from bonafide.adapters.protection.cipher import Cipher, NotAuthenticError
from bonafide.adapters.protection.items import read_data_key, speaker_key_item
from bonafide.adapters.protection.templates import FORM, TemplateProtection
from bonafide.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PURPOSE = "archived decision"


class SpeakerFields:
    """`PersonalFields` with the keys of voiceprints."""

    def __init__(self, client: "DynamoDBClient", protection: TemplateProtection) -> None:
        self._client = client
        self._table = protection.keys.table
        self._protection = protection

    def seal(self, domain: str, speaker: str | None, decision_id: str, content: bytes) -> str | None:
        """See `PersonalFields`."""
        cipher = self._cipher(domain, speaker) if speaker else None
        return base64.b64encode(cipher.seal(content, *_place(domain, decision_id))).decode() if cipher else None

    def open(self, domain: str, speaker: str, decision_id: str, sealed: str) -> bytes | None:
        """See `PersonalFields`."""
        cipher = self._cipher(domain, speaker)
        try:
            return cipher.open(base64.b64decode(sealed), *_place(domain, decision_id)) if cipher else None
        except NotAuthenticError:
            return None

    def _cipher(self, domain: str, speaker: str) -> Cipher | None:
        with translated_errors():
            answer = self._client.get_item(
                TableName=self._table, Key=speaker_key_item(domain, speaker), ConsistentRead=True
            )
        if "Item" not in answer:
            return None
        try:
            return self._protection.cipher_of_speaker(domain, speaker, read_data_key(answer["Item"]))
        except NotAuthenticError:
            logger.error("key of a speaker does not open", extra={"domain": domain})
            return None


def _place(domain: str, decision_id: str) -> tuple[str, ...]:
    return FORM, _PURPOSE, domain, decision_id
