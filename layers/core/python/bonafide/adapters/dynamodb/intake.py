"""State of the intake of audio, read in one call."""

from functools import partial
from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import BatchReader, Item
from bonafide.adapters.dynamodb.items import domain_key, read_domain
from bonafide.adapters.dynamodb.lags import lag_key, read_lag
from bonafide.adapters.dynamodb.session_items import SESSION_ITEM, partition, read_keyed_session, read_session
from bonafide.adapters.protection.items import session_key_item
from bonafide.ports.stream import IntakeState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoIntakeReader:
    """`IntakeReader` on the tables of domains and sessions: one BatchGetItem, strongly consistent for each item."""

    def __init__(self, client: "DynamoDBClient", domains: str, sessions: str, keys: str | None = None) -> None:
        """Stores its dependencies.

        Args:
            client: of DynamoDB.
            domains: table of domains.
            sessions: table of sessions.
            keys: table of keys, for those who judge sessions; without it sessions are read without their keys.
        """
        self._batches = BatchReader(client, domains, sessions, *([keys] if keys else []))
        self._keyed = keys is not None

    def read(self, domain: str, session: str, shard: str | None = None) -> IntakeState:
        """See `IntakeReader`."""
        own: Item = {"session": {"S": partition(domain, session)}, "item": {"S": SESSION_ITEM}}
        key = session_key_item(domain, session)
        keys = ([domain_key(domain)], [own, lag_key(shard)] if shard else [own], [key])
        records = {item["item"]["S"]: item for item in self._batches.read_each(keys)}
        found = records.get(SESSION_ITEM)
        reading = partial(read_keyed_session, key=records.get(key["item"]["S"])) if self._keyed else read_session
        return IntakeState(
            domain=read_domain(records["domain"]) if "domain" in records else None,
            session=reading(found) if found else None,
            lag=read_lag(records["highest"]) if "highest" in records else None,
        )
