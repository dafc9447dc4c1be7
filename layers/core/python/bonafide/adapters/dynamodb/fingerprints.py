"""Fingerprints of recordings in DynamoDB.

Partition key `owner`, sort key `item`. The partition `<domain>#<speaker>` holds the recordings of a speaker as
`enrollment#<time>#<name>` and `call#<time>#<name>`, so that one query reads them, contributions first, then the newest
calls. The index `by_speaker` has the recordings of a whole domain, of speakers known or not, so that its deletion
finds them. `<domain>##<first digit>` holds the domain's claims on samples by the rest of their digest: no speaker has
such a name. Calls expire; DynamoDB deletes up to days later, so what is over is left out when it is read.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.adapters.erasure.partitions import Partitions
from bonafide.audio.fingerprint import Fingerprint
from bonafide.ports.fingerprints import HeardRecording, UseKind
from bonafide.ports.stores import VersionConflict
from bonafide.records.times import utc_now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DIGITS = "0123456789abcdef"
LONG_AGO = datetime.min.replace(tzinfo=UTC)
FREE = "attribute_not_exists(#item) OR #used = :used OR expires_at <= :now"


class DynamoFingerprintStore:
    """`FingerprintStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._partitions = Partitions(client, table, "owner", "item")

    def claim(self, recording: HeardRecording) -> bool:
        """See `FingerprintStore`."""
        try:
            with translated_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item=_claim_item(recording),
                    ConditionExpression=FREE,
                    ExpressionAttributeNames={"#item": "item", "#used": "used"},
                    ExpressionAttributeValues={":used": {"S": recording.name}, ":now": _seconds(self._clock())},
                )
        except VersionConflict:
            return True
        return False

    def put(self, recording: HeardRecording) -> None:
        """See `FingerprintStore`."""
        with translated_errors():
            self._client.put_item(TableName=self._table, Item=_item(recording))

    def heard(self, domain: str, speaker: str, limit: int) -> Sequence[HeardRecording]:
        """See `FingerprintStore`. One query, of a megabyte at most."""
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#owner = :owner",
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues={":owner": {"S": owner_of(domain, speaker)}},
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=limit,
            )
        found = [_recording(domain, speaker, item) for item in answer["Items"]]
        now = self._clock()
        return [each for each in found if each.expires_at is None or each.expires_at > now]

    def forget(self, recording: HeardRecording) -> None:
        """See `FingerprintStore`."""
        self._partitions.delete_items([_key(recording)])
        self._release(recording)

    def forget_speaker(self, domain: str, speaker: str) -> int:
        """See `FingerprintStore`."""
        deleted, after = 0, ""
        while True:
            items, last = self._partitions.page(owner_of(domain, speaker), "", after, whole=True)
            deleted += self.forget_items(domain, speaker, items)
            if last is None:
                return deleted
            after = last

    def forget_claims(self, domain: str) -> int:
        """See `FingerprintStore`."""
        return sum(self._partitions.delete(claim_owner(domain, digit)) for digit in DIGITS)

    def forget_items(self, domain: str, speaker: str, items: Sequence[Item]) -> int:
        """Deletes recordings of a speaker with their claims, which go first: the recordings lead to them."""
        for item in items:
            self._release(_recording(domain, speaker, item))
        return self._partitions.delete_items(items)

    def _release(self, recording: HeardRecording) -> None:
        """Deletes the claim on the samples, unless it is of another use."""
        if not recording.audio:
            return
        try:
            with translated_errors():
                self._client.delete_item(
                    TableName=self._table,
                    Key=_claim_key(recording),
                    ConditionExpression="#used = :used",
                    ExpressionAttributeNames={"#used": "used"},
                    ExpressionAttributeValues={":used": {"S": recording.name}},
                )
        except VersionConflict:
            return


def owner_of(domain: str, speaker: str) -> str:
    """Returns the partition of a speaker's recordings."""
    return f"{domain}#{speaker}"


def claim_owner(domain: str, digit: str) -> str:
    """Returns the partition of a domain's claims on samples whose digests begin with a digit."""
    return f"{domain}##{digit}"


def heard_at(item: Item) -> datetime:
    """Returns the time of the use that a recording, or a claim, is of; the release before wrote claims without it."""
    if "at" in item:
        return datetime.fromisoformat(item["at"]["S"])
    return LONG_AGO if "used" in item else datetime.fromisoformat(item["item"]["S"].split("#", 2)[1])


def _key(recording: HeardRecording) -> Item:
    at = recording.at.isoformat(timespec="microseconds")
    return {
        "owner": {"S": owner_of(recording.domain, recording.speaker)},
        "item": {"S": f"{recording.kind}#{at}#{recording.name}"},
    }


def _claim_key(recording: HeardRecording) -> Item:
    return {
        "owner": {"S": claim_owner(recording.domain, recording.audio[:1])},
        "item": {"S": recording.audio[1:]},
    }


def _claim_item(recording: HeardRecording) -> Item:
    at = {"S": recording.at.isoformat()}
    return {**_claim_key(recording), "used": {"S": recording.name}, "at": at, **_expiry(recording)}


def _item(recording: HeardRecording) -> Item:
    return {
        **_key(recording),
        "domain": {"S": recording.domain},
        "claim": {"S": f"{recording.speaker}#{recording.name}"},
        "fingerprint": {"B": recording.fingerprint.to_bytes()},
        "audio": {"S": recording.audio},
        "generation": {"S": recording.generation},
        "brief": {"BOOL": recording.brief},
        **({"call_id": {"S": recording.call_id}} if recording.call_id else {}),
        **_expiry(recording),
    }


def _recording(domain: str, speaker: str, item: Item) -> HeardRecording:
    kind, at, name = item["item"]["S"].split("#", 2)
    expires = item.get("expires_at")
    return HeardRecording(
        domain=domain,
        speaker=speaker,
        kind=UseKind(kind),
        name=name,
        audio=item["audio"]["S"],
        fingerprint=Fingerprint.from_bytes(item["fingerprint"]["B"]),
        generation=item["generation"]["S"],
        at=datetime.fromisoformat(at),
        expires_at=datetime.fromtimestamp(int(expires["N"]), UTC) if expires else None,
        call_id=item["call_id"]["S"] if "call_id" in item else None,
        brief=item["brief"]["BOOL"],
    )


def _expiry(recording: HeardRecording) -> Item:
    return {"expires_at": _seconds(recording.expires_at)} if recording.expires_at else {}


def _seconds(at: datetime) -> Any:
    return {"N": str(int(at.timestamp()))}
