"""Staged policies in DynamoDB, in the table of domains.

Partition key `domain`, which is `policy#<domain>`; sort key `item`, which is `state` for the one that is staged, and
`change#<version>` for each change, for good.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import BatchReader, follows, transacted
from bonafide.adapters.dynamodb.items import read_staging, staging_attributes, staging_change_key, staging_key
from bonafide.records.domain import DomainRecord
from bonafide.records.policies.staged import StagedPolicy, Staging

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoStagingStore:
    """`StagingStore` on the table of domains."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._batches = BatchReader(client, table)

    def staging(self, domain: str) -> Staging:
        """See `StagingStore`."""
        return read_staging(domain, next(self._batches.read([staging_key(domain)]), None))

    def staged_before(self, domain: DomainRecord, staged_version: int) -> StagedPolicy | None:
        """See `StagingStore`."""
        item = next(self._batches.read([staging_change_key(domain.domain, staged_version)]), None)
        return read_staging(domain.domain, item).of_domain_made(domain.created_at)

    def put_staging(self, staging: Staging) -> None:
        """See `StagingStore`."""
        puts = staging_puts(self._table, staging)
        transacted(lambda: self._client.transact_write_items(TransactItems=[{"Put": put} for put in puts]))


def staging_puts(table: str, staging: Staging) -> Sequence[Any]:
    """Returns the puts of a change and of the state that it leads to, as parts of a transaction."""
    own, domain = staging_attributes(staging), staging.domain
    return [
        {"TableName": table, "Item": {**staging_change_key(domain, staging.version), **own}},
        {"TableName": table, "Item": {**staging_key(domain), **own}, **follows(staging.version)},
    ]
