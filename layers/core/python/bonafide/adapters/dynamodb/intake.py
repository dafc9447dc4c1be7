"""State of the intake of audio, read in one call."""

from typing import TYPE_CHECKING

from bonafide.adapters.dynamodb.conditions import BatchReader, Item
from bonafide.adapters.dynamodb.items import domain_key, read_domain
from bonafide.adapters.dynamodb.lags import lag_key, read_lag
from bonafide.adapters.dynamodb.session_items import SESSION_ITEM, partition, read_session
from bonafide.ports.stream import IntakeState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoIntakeReader:
    """`IntakeReader` on the tables of domains and sessions: one BatchGetItem, strongly consistent for each item."""

    def __init__(self, client: "DynamoDBClient", domains: str, sessions: str) -> None:
        self._batches = BatchReader(client, domains, sessions)

    def read(self, domain: str, session: str, shard: str | None = None) -> IntakeState:
        """See `IntakeReader`."""
        own: Item = {"session": {"S": partition(domain, session)}, "item": {"S": SESSION_ITEM}}
        keys = ([domain_key(domain)], [own, lag_key(shard)] if shard else [own])
        records = {item["item"]["S"]: item for item in self._batches.read_each(keys)}
        return IntakeState(
            domain=read_domain(records["domain"]) if "domain" in records else None,
            session=read_session(records["session"]) if "session" in records else None,
            lag=read_lag(records["highest"]) if "highest" in records else None,
        )
