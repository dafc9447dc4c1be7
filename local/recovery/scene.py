"""People who enroll and call, and the damage that is done to their data."""

from dataclasses import dataclass
from typing import Any

from bonafide.adapters.dynamodb.items import SPEAKER_PREFIX, speaker_key
from bonafide_client import Client, ProblemError, bodies
from layers.golden.readers import Reader, wav
from local.recovery.backups import Item

DOMAIN = "recovery"
# The readers' recordings are short, so the domain requires less speech than by default.
SETTINGS: dict[str, Any] = {"policy": {"minimum_enrolment_seconds": 6}, "retention": {"replay_days": 0}}
# Of a decision, what differs between two calls with the same recording.
OF_ONE_CALL = {"decision_id", "decided_at", "latency_ms", "request_id"}


@dataclass(frozen=True, slots=True)
class Caller:
    """One person on the telephone.

    Attributes:
        client: of the deployment.
        reader: the person.
    """

    client: Client
    reader: Reader

    @property
    def name(self) -> str:
        """Reference to the speaker."""
        return self.reader.name

    def enroll(self) -> str:
        """Enrolls; returns the status."""
        receipt = bodies.consent(f"recovery-{self.name}")
        return self.client.enroll(DOMAIN, self.name, wav(self.reader.enrollment), receipt)["status"]

    def call(self) -> dict[str, Any]:
        """Calls; returns what of the decision depends on voice, voiceprint and policy, or the problem's code."""
        try:
            answer: Any = self.client.authenticate(DOMAIN, self.name, wav(self.reader.call))
        except ProblemError as problem:
            return {"decision": problem.code}
        return {name: value for name, value in answer.items() if name not in OF_ONE_CALL}


def spoil_voiceprint(client: Any, table: str, victim: str, other: str) -> None:
    """Gives somebody the voiceprint of somebody else, as a bad release might."""
    foreign = client.get_item(TableName=table, Key=speaker_key(DOMAIN, other))["Item"]["protected_voiceprints"]
    client.update_item(
        TableName=table,
        Key=speaker_key(DOMAIN, victim),
        UpdateExpression="SET protected_voiceprints = :foreign ADD #version :one",
        ExpressionAttributeNames={"#version": "version"},
        ExpressionAttributeValues={":foreign": foreign, ":one": {"N": "1"}},
    )


def wipe(client: Any, table: str, keys: tuple[str, str], *, spare: tuple[str, ...] = ()) -> int:
    """Deletes the items of a table but for those of some speakers, as a wrong script might; returns their number."""
    items = [item for page in client.get_paginator("scan").paginate(TableName=table) for item in page["Items"]]
    gone = [item for item in items if _speaker(item) not in spare]
    for item in gone:
        client.delete_item(TableName=table, Key={name: item[name] for name in keys})
    return len(gone)


def _speaker(item: Item) -> str:
    return str(item.get("item", {}).get("S", "")).removeprefix(SPEAKER_PREFIX)
