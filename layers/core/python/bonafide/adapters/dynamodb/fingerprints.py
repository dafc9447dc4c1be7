"""Fingerprints of recordings in DynamoDB.

Partition key `owner`, sort key `item`. The partition `<domain>#<speaker>` holds the recordings of a speaker as
`enrollment#<time>#<name>` and `call#<time>#<name>`, so that one query reads them, contributions first, then the newest
calls. `<domain>##<first digit>` holds the domain's claims on samples by the rest of their digest: no speaker has such a
name. Calls expire; DynamoDB deletes up to days later, so what is over is left out when it is read.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.audio.fingerprint import Fingerprint
from bonafide.ports.fingerprints import HeardRecording, UseKind
from bonafide.ports.stores import VersionConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DIGITS = "0123456789abcdef"
FREE = "attribute_not_exists(#item) OR #used = :used OR expires_at <= :now"


def utc_now() -> datetime:
    """Returns the time."""
    return datetime.now(UTC)


class DynamoFingerprintStore:
    """`FingerprintStore` on one table."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def claim(self, recording: HeardRecording) -> bool:
        """See `FingerprintStore`."""
        try:
            with translated_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item={**_claim_key(recording), "used": {"S": recording.name}, **_expiry(recording)},
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
                ExpressionAttributeValues={":owner": {"S": f"{domain}#{speaker}"}},
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=limit,
            )
        found = [_recording(domain, speaker, item) for item in answer["Items"]]
        now = self._clock()
        return [each for each in found if each.expires_at is None or each.expires_at > now]

    def forget(self, recording: HeardRecording) -> None:
        """See `FingerprintStore`."""
        self._delete([_key(recording)])
        self._release(recording)

    def forget_speaker(self, domain: str, speaker: str) -> int:
        """See `FingerprintStore`. Claims go first: they are found by the recordings."""
        deleted = 0
        for items in self._pages(f"{domain}#{speaker}"):
            for item in items:
                self._release(_recording(domain, speaker, item))
            deleted += self._delete(items)
        return deleted

    def forget_claims(self, domain: str) -> int:
        """See `FingerprintStore`."""
        return sum(self._delete(items) for digit in DIGITS for items in self._pages(f"{domain}##{digit}"))

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

    def _pages(self, owner: str) -> Iterator[Sequence[Item]]:
        """Reads a partition; only what a deletion needs."""
        start: Any = {}
        while start is not None:
            with translated_errors():
                answer = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="#owner = :owner",
                    ExpressionAttributeNames={"#owner": "owner"},
                    ExpressionAttributeValues={":owner": {"S": owner}},
                    ConsistentRead=True,
                    **start,
                )
            yield answer["Items"]
            last = answer.get("LastEvaluatedKey")
            start = {"ExclusiveStartKey": last} if last else None

    def _delete(self, items: Sequence[Item]) -> int:
        for item in items:
            with translated_errors():
                self._client.delete_item(TableName=self._table, Key={name: item[name] for name in ("owner", "item")})
        return len(items)


def _key(recording: HeardRecording) -> Item:
    at = recording.at.isoformat(timespec="microseconds")
    return {
        "owner": {"S": f"{recording.domain}#{recording.speaker}"},
        "item": {"S": f"{recording.kind}#{at}#{recording.name}"},
    }


def _claim_key(recording: HeardRecording) -> Item:
    return {
        "owner": {"S": f"{recording.domain}##{recording.audio[:1]}"},
        "item": {"S": recording.audio[1:]},
    }


def _item(recording: HeardRecording) -> Item:
    return {
        **_key(recording),
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
