"""Answers by Idempotency-Key that can be found by domain and speaker, and emptied: their keys stay taken."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.adapters.erasure.claims import ClaimsIndex
from bonafide.errors import StoreUnavailable
from bonafide.ports.erasure import ErasedStep
from bonafide.ports.stores import VersionConflict
from bonafide.records.erasure import ErasureSubject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DAY = timedelta(days=1)
# What an emptied answer is about: no generation of anybody.
ERASED = "erased"


class ClaimedAnswers(DynamoDBPersistenceLayer):
    """Answers with domain and claimed speaker beside them, so that an erasure finds them."""

    def _update_record(self, data_record: DataRecord) -> None:
        """Stores an answer; one about no domain has no claim."""
        answer = json.loads(data_record.response_data)
        if not answer.get("domain"):
            super()._update_record(data_record)
            return
        values = {
            ":data": {"S": data_record.response_data},
            ":expiry": {"N": str(data_record.expiry_timestamp)},
            ":status": {"S": data_record.status},
            ":validation": {"S": data_record.payload_hash},
            ":domain": {"S": answer["domain"]},
            ":claim": {"S": f"{answer.get('speaker') or ''}#{data_record.idempotency_key}"},
        }
        names = {
            "#data": self.data_attr,
            "#expiry": self.expiry_attr,
            "#status": self.status_attr,
            "#validation": self.validation_key_attr,
            "#domain": "domain",
            "#claim": "claim",
        }
        sets = ", ".join(f"#{name[1:]} = {name}" for name in values)
        self.client.update_item(
            TableName=self.table_name,
            Key=self._get_key(data_record.idempotency_key),
            UpdateExpression=f"SET {sets}",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )


class AnswerErasing:
    """`ErasableStore` of answers: what they say, and the names by which they are found.

    A key stays taken until its day is over, so that a request which comes again late has no second effect.
    """

    name = "answers"

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._claims = ClaimsIndex(client, table)

    def erase(self, subject: ErasureSubject, after: str) -> ErasedStep:
        """See `ErasableStore`."""
        found, last = self._claims.page(subject, after)
        return ErasedStep(sum(self._empty(subject, each["id"]) for each in found), last)

    def _empty(self, subject: ErasureSubject, key: Any) -> bool:
        with translated_errors():
            item = self._client.get_item(TableName=self._table, Key={"id": key}, ConsistentRead=True).get("Item")
        if item is None or "claim" not in item or not _is_meant(subject, item):
            return False
        try:
            with translated_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key={"id": key},
                    UpdateExpression="SET #data = :erased REMOVE #domain, claim",
                    ConditionExpression="#data = :data",
                    ExpressionAttributeNames={"#data": "data", "#domain": "domain"},
                    ExpressionAttributeValues={":erased": {"S": _ERASED_ANSWER}, ":data": item["data"]},
                )
        except VersionConflict as conflict:
            raise StoreUnavailable from conflict
        return True


# This release refuses what it is about; a release before repeats it, and so refuses as well.
_ERASED_ANSWER = json.dumps({"status": 409, "body": "{}", "about": ERASED, "lasts": True})


def _is_meant(subject: ErasureSubject, item: Item) -> bool:
    """Tells whether an answer is about what was erased: by its generation, or by its time if that names no speaker."""
    about = str(json.loads(item["data"]["S"]).get("about"))
    if subject.speaker is None:
        return about.partition("/")[0] != subject.current
    if "/" in about:
        return about != subject.current
    return datetime.fromtimestamp(int(item["expiration"]["N"]), UTC) - DAY < subject.before
