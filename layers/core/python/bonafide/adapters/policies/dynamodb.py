"""Staged policies in DynamoDB, in the table of domains.

Partition key `domain`, which is `policy#<domain>`; sort key `item`, which is `state` for the one that is staged, and
`change#<version>` for each change, for good.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import BatchReader, Item, follows, transacted
from bonafide.adapters.dynamodb.items import read_staging, staging_attributes, staging_change_key, staging_key
from bonafide.observability import log_unexpected, logger
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


def staged_of(domain: DomainRecord, read: Sequence[Item | None] | None) -> StagedPolicy | None:
    """Returns the staged policy of a domain from its item; None where it is unread, or of a form of a later release.

    No answer depends on it, so nothing about it may fail one.
    """
    if read is None:
        logger.warning("staged policy unread", extra={"domain": domain.domain})
        return None
    try:
        return read_staging(domain.domain, read[0]).of_domain_made(domain.created_at)
    except Exception as error:
        log_unexpected(error)
        return None


def staging_puts(table: str, staging: Staging) -> Sequence[Any]:
    """Returns the puts of a change and of the state that it leads to, as parts of a transaction."""
    own, domain = staging_attributes(staging), staging.domain
    return [
        {"TableName": table, "Item": {**staging_change_key(domain, staging.version), **own}},
        {"TableName": table, "Item": {**staging_key(domain), **own}, **follows(staging.version)},
    ]
