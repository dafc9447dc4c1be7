"""The index `by_speaker` of a table: partition key `domain`, sort key `claim`, `<speaker>#<name>`."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bonafide.adapters.dynamodb.conditions import Item, translated_errors
from bonafide.adapters.dynamodb.session_items import CLAIMS_INDEX
from bonafide.records.erasure import ErasureSubject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Items of a step. A session may have thousands of rows.
PAGE = 10


class ClaimsIndex:
    """The index of one table."""

    def __init__(self, client: "DynamoDBClient", table: str, items: int = PAGE) -> None:
        """Stores its dependencies; a page has at most so many items."""
        self._client = client
        self._table = table
        self._items = items

    def page(self, subject: ErasureSubject, after: str) -> tuple[Sequence[Item], str | None]:
        """Reads a page of what the index has about a subject, and where the next one begins; None on the last one.

        Args:
            subject: of an erasure.
            after: what the page before returned; empty for the first.
        """
        condition, values = "#domain = :domain", {":domain": {"S": subject.domain}}
        if subject.speaker:
            condition, values = (
                f"{condition} AND begins_with(claim, :claim)",
                values | {":claim": {"S": f"{subject.speaker}#"}},
            )
        start: Any = {"ExclusiveStartKey": json.loads(after)} if after else {}
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                IndexName=CLAIMS_INDEX,
                KeyConditionExpression=condition,
                ExpressionAttributeNames={"#domain": "domain"},
                ExpressionAttributeValues=values,
                Limit=self._items,
                **start,
            )
        last = answer.get("LastEvaluatedKey")
        return answer["Items"], json.dumps(last) if last else None


class AnswerCounts:
    """Numbers of answers that are kept about speakers."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def of_speaker(self, domain: str, speaker: str) -> int:
        """Counts the answers about a speaker: those of a day, and of a megabyte of keys at most."""
        with translated_errors():
            answer = self._client.query(
                TableName=self._table,
                IndexName=CLAIMS_INDEX,
                KeyConditionExpression="#domain = :domain AND begins_with(claim, :claim)",
                ExpressionAttributeNames={"#domain": "domain"},
                ExpressionAttributeValues={":domain": {"S": domain}, ":claim": {"S": f"{speaker}#"}},
                Select="COUNT",
            )
        return answer["Count"]
