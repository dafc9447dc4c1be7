"""State of the intake of audio, read in one call."""

from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import Item, attempts, translated_errors
from bonafide.adapters.dynamodb.items import domain_key, read_domain
from bonafide.adapters.dynamodb.lags import lag_key, read_lag
from bonafide.adapters.dynamodb.session_items import SESSION_ITEM, partition, read_session
from bonafide.errors import StoreUnavailable
from bonafide.ports.stream import IntakeState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoIntakeReader:
    """`IntakeReader` on the tables of domains and sessions: one BatchGetItem, strongly consistent for each item."""

    def __init__(self, client: "DynamoDBClient", domains: str, sessions: str) -> None:
        self._client = client
        self._tables = (domains, sessions)

    def read(self, domain: str, session: str, shard: str) -> IntakeState:
        """See `IntakeReader`."""
        own: Item = {"session": {"S": partition(domain, session)}, "item": {"S": SESSION_ITEM}}
        keys = ([domain_key(domain)], [own, lag_key(shard)])
        found = self._items(dict(zip(self._tables, keys, strict=True)))
        records = {item["item"]["S"]: item for item in found}
        return IntakeState(
            domain=read_domain(records["domain"]) if "domain" in records else None,
            session=read_session(records["session"]) if "session" in records else None,
            lag=read_lag(records["highest"]) if "highest" in records else None,
        )

    def _items(self, keys: dict[str, list[Item]]) -> list[Item]:
        """Reads items, and again those that DynamoDB left out."""
        wanted: Any = {table: {"Keys": own, "ConsistentRead": True} for table, own in keys.items()}
        found: list[Item] = []
        for _ in attempts():
            with translated_errors():
                answer = self._client.batch_get_item(RequestItems=wanted)
            found += [item for items in answer["Responses"].values() for item in items]
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                return found
        raise StoreUnavailable
