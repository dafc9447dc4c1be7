"""Personal attributes of archived decisions: AES-256-GCM under the data key of the speaker who was claimed.

Who deletes that key, which is how a speaker is erased, makes them unreadable in every copy of the archive.
"""

import base64
from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import translated_errors
from bonafide.adapters.dynamodb.items import read_speaker, speaker_key
from bonafide.adapters.protection.cipher import Cipher, NotAuthenticError
from bonafide.adapters.protection.items import read_data_key, speaker_key_item
from bonafide.adapters.protection.templates import FORM, TemplateProtection
from bonafide.observability import logger
from bonafide.records.ledger.entry import StoredDecision

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PURPOSE = "archived decision"
# What tells since when somebody has a name.
LIFETIME_ATTRIBUTES = ("domain", "item", "version", "status", "created_at", "document")


class SpeakerFields:
    """`PersonalFields` with the keys of voiceprints."""

    def __init__(self, client: "DynamoDBClient", protection: TemplateProtection, speakers: str) -> None:
        """Stores its dependencies.

        Args:
            client: of DynamoDB.
            protection: of voiceprints, with the table of keys.
            speakers: table of domains and speakers.
        """
        self._client = client
        self._table = protection.keys.table
        self._protection = protection
        self._speakers = speakers

    def seal(self, decision: StoredDecision, content: bytes) -> str | None:
        """See `PersonalFields`.

        The key is read before the speaker: if that one was enrolled before the decision, then the key is of the same
        lifetime, in which the decision was made.
        """
        domain, speaker = decision.domain, decision.speaker
        cipher = self._cipher(domain, speaker) if speaker else None
        if cipher is None or not self._is_of_lifetime(decision):
            return None
        return base64.b64encode(cipher.seal(content, *_place(domain, decision.decision_id))).decode()

    def open(self, domain: str, speaker: str, decision_id: str, sealed: str) -> bytes | None:
        """See `PersonalFields`."""
        cipher = self._cipher(domain, speaker)
        try:
            return cipher.open(base64.b64decode(sealed), *_place(domain, decision_id)) if cipher else None
        except NotAuthenticError:
            return None

    def _is_of_lifetime(self, decision: StoredDecision) -> bool:
        """Tells whether whoever has the name now had it when the decision was made."""
        with translated_errors():
            answer = self._client.get_item(
                TableName=self._speakers,
                Key=speaker_key(decision.domain, decision.speaker or ""),
                ConsistentRead=True,
                # Without voiceprints.
                ProjectionExpression=", ".join(f"#{each}" for each in LIFETIME_ATTRIBUTES),
                ExpressionAttributeNames={f"#{each}": each for each in LIFETIME_ATTRIBUTES},
            )
        if "Item" not in answer:
            return False
        known = read_speaker(answer["Item"])
        return max(known.created_at, known.opted_out_at or known.created_at) <= decision.decided_at

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
