"""Calibrations of domains in DynamoDB, in the table of domains.

Partition key `domain`, which is `calibration#<domain>`; sort key `item`, which is `state` for those in use, and
`change#<version>` for each change. A change that proposed a calibration holds it as its canary, for good.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import (
    BatchReader,
    follows,
    transacted,
    translated_errors,
)
from bonafide.adapters.dynamodb.items import (
    CHANGE_PREFIX,
    calibration_attributes,
    calibration_change_key,
    calibration_key,
    read_calibrations,
)
from bonafide.records.calibration import CalibrationsRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoCalibrationStore:
    """`CalibrationStore` on the table of domains."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._batches = BatchReader(client, table)

    def calibrations(self, domain: str) -> CalibrationsRecord:
        """See `CalibrationStore`."""
        return read_calibrations(domain, next(self._batches.read([calibration_key(domain)]), None))

    def put_calibrations(self, record: CalibrationsRecord) -> None:
        """See `CalibrationStore`."""
        own = calibration_attributes(record)
        change: Any = {
            "TableName": self._table,
            "Item": {**calibration_change_key(record.domain, record.version), **own},
        }
        state: Any = {
            "TableName": self._table,
            "Item": {**calibration_key(record.domain), **own},
            **follows(record.version),
        }
        transacted(lambda: self._client.transact_write_items(TransactItems=[{"Put": change}, {"Put": state}]))

    def calibration_changes(self, domain: str, before: int | None, limit: int) -> Sequence[CalibrationsRecord]:
        """See `CalibrationStore`."""
        start: Any = {"ExclusiveStartKey": calibration_change_key(domain, before)} if before is not None else {}
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#domain = :own AND begins_with(#item, :prefix)",
                ExpressionAttributeNames={"#domain": "domain", "#item": "item"},
                ExpressionAttributeValues={":own": calibration_key(domain)["domain"], ":prefix": {"S": CHANGE_PREFIX}},
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=limit,
                **start,
            )
        return [read_calibrations(domain, item) for item in answer["Items"]]
