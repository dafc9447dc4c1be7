"""Point-in-time recovery of tables as AWS does it; the emulator's own copies today's items, whatever time is given.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.resources import list_resources

type Item = dict[str, Any]

# "LatestRestorableDateTime is typically five minutes before the current time."
LAG = timedelta(minutes=5)


def complete_tables(connect: Any, stack: str, template: Mapping[str, Any]) -> None:
    """Does what the emulator's CloudFormation leaves out of tables: encryption and point-in-time recovery."""
    listed = list_resources(connect("cloudformation"), stack)
    names = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed}
    (key,) = (names[id_] for id_, each in template["Resources"].items() if each["Type"] == "AWS::KMS::Key")
    client = connect("dynamodb")
    for id_, each in template["Resources"].items():
        if each["Type"] == "AWS::DynamoDB::Table":
            recovery = each["Properties"]["PointInTimeRecoverySpecification"]
            client.update_continuous_backups(TableName=names[id_], PointInTimeRecoverySpecification=recovery)
            encryption = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
            client.update_table(TableName=names[id_], SSESpecification=encryption)


@dataclass(frozen=True, slots=True)
class TableState:
    """The items of a table at a time."""

    at: datetime
    items: list[Item]


@dataclass(slots=True)
class ContinuousBackups:
    """Backups of an emulator's tables.

    AWS knows every second; this knows the moments that it is told to remember. A restore to a second in between gets
    the moment before, which is right as long as nothing was written meanwhile.

    Attributes:
        client: of the emulator's DynamoDB.
        lag: how far behind the present restorable times end.
    """

    client: Any
    lag: timedelta = LAG
    _states: dict[str, list[TableState]] = field(default_factory=dict)

    def remember(self) -> datetime:
        """Remembers all tables with point-in-time recovery; returns the second."""
        at = datetime.now(UTC).replace(microsecond=0)
        for page in self.client.get_paginator("list_tables").paginate():
            for table in page["TableNames"]:
                if self._is_enabled(table):
                    self._states.setdefault(table, []).append(TableState(at, self._items(table)))
        return at

    def window(self, table: str) -> tuple[datetime, datetime]:
        """Returns the earliest and the latest restorable time of a table."""
        return self._states[table][0].at, datetime.now(UTC).replace(microsecond=0) - self.lag

    def state(self, table: str, at: datetime) -> TableState:
        """Returns what a table held at a time.

        Raises:
            PointInTimeRecoveryUnavailableException: the table has no point-in-time recovery.
            InvalidRestoreTimeException: the time is not between the earliest and the latest restorable one.
        """
        if not self._is_enabled(table):
            raise self._error("PointInTimeRecoveryUnavailableException", table)
        earliest, latest = self.window(table)
        if not earliest <= at <= latest:
            raise self._error("InvalidRestoreTimeException", f"{at} is not in {earliest} ... {latest}")
        return [each for each in self._states[table] if each.at <= at][-1]

    def connect(self, connect: Any) -> Any:
        """Returns what connects to services: DynamoDB's client has these backups."""

        def connected(service: str, **options: Any) -> Any:
            client = connect(service, **options)
            return RestoringClient(client, self) if service == "dynamodb" else client

        return connected

    def _is_enabled(self, table: str) -> bool:
        described = self.client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        return bool(described["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED")

    def _items(self, table: str) -> list[Item]:
        pages = self.client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def _error(self, code: str, message: str) -> Exception:
        kind: type[Exception] = getattr(self.client.exceptions, code)
        return kind({"Error": {"Code": code, "Message": message}}, "RestoreTableToPointInTime")


class RestoringClient:
    """A client of DynamoDB whose tables can be restored to a point in time."""

    def __init__(self, client: Any, backups: ContinuousBackups) -> None:
        self._client = client
        self._backups = backups

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def describe_continuous_backups(self, *, TableName: str) -> Any:  # noqa: N803, the name in the API
        """Adds the restorable times."""
        answer = self._client.describe_continuous_backups(TableName=TableName)
        recovery = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        if recovery["PointInTimeRecoveryStatus"] == "ENABLED":
            earliest, latest = self._backups.window(TableName)
            recovery |= {"EarliestRestorableDateTime": earliest, "LatestRestorableDateTime": latest}
        return answer

    def restore_table_to_point_in_time(
        self,
        *,
        SourceTableName: str,  # noqa: N803, the names in the API
        TargetTableName: str,  # noqa: N803
        RestoreDateTime: datetime,  # noqa: N803
    ) -> Any:
        """Makes a new table with what the source held: its keys and indexes, but none of its other settings."""
        state = self._backups.state(SourceTableName, RestoreDateTime)
        answer = self._client.restore_table_to_point_in_time(
            SourceTableName=SourceTableName, TargetTableName=TargetTableName, RestoreDateTime=RestoreDateTime
        )
        self._replace(
            TargetTableName, [each["AttributeName"] for each in answer["TableDescription"]["KeySchema"]], state
        )
        return answer

    def _replace(self, table: str, keys: list[str], state: TableState) -> None:
        for page in self._client.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                self._client.delete_item(TableName=table, Key={name: item[name] for name in keys})
        for item in state.items:
            self._client.put_item(TableName=table, Item=item)
