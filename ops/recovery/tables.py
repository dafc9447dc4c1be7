"""Copies of tables as they were at a point in time.

DynamoDB restores into a new table, which has the items, keys and indexes of the old one at that time, and today's
encryption, but no deletion protection, no point-in-time recovery, no expiry of items and no tags:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
So a copy is a source of items only, and is deleted when they are back in the table of the stack.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

# At least 20 minutes, usually under an hour: https://repost.aws/knowledge-center/dynamodb-restore-taking-long
POLL_SECONDS = 15.0
LONGEST_HOURS = 12


class NotRestorableError(Exception):
    """Raised when no backup has the time; the message says which times there are."""


def copy_name(table: str, at: datetime) -> str:
    """Returns the name of a table's copy; the same for a repeated restore, which goes on with that copy."""
    return f"{table}-at-{at:%Y%m%dT%H%M%SZ}"


def check_restorable(client: Any, tables: Collection[str], at: datetime) -> None:
    """Checks that every table can be restored to the same second.

    Raises:
        NotRestorableError: one cannot.
    """
    for table in tables:
        described = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        recovery = described["PointInTimeRecoveryDescription"]
        if recovery["PointInTimeRecoveryStatus"] != "ENABLED":
            raise NotRestorableError(f"{table} has no point-in-time recovery")
        earliest, latest = recovery["EarliestRestorableDateTime"], recovery["LatestRestorableDateTime"]
        if not earliest <= at <= latest:
            raise NotRestorableError(f"{table} can be restored to {earliest:%FT%TZ} ... {latest:%FT%TZ} only")


def copy_tables(client: Any, tables: Collection[str], at: datetime, *, poll: float = POLL_SECONDS) -> dict[str, str]:
    """Restores tables into copies, all at once, and waits for them; returns the copy of each table.

    Raises:
        NotRestorableError: a table cannot be restored to that time.
    """
    copies = {table: copy_name(table, at) for table in tables}
    missing = [table for table, copy in copies.items() if not _exists(client, copy)]
    check_restorable(client, missing, at)
    for table in missing:
        client.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=copies[table], RestoreDateTime=at)
    attempts = round(LONGEST_HOURS * 3600 / POLL_SECONDS)
    for copy in copies.values():
        client.get_waiter("table_exists").wait(TableName=copy, WaiterConfig={"Delay": poll, "MaxAttempts": attempts})
    return copies


def delete_copies(client: Any, copies: Collection[str]) -> None:
    """Deletes copies: they hold what was erased since."""
    for copy in copies:
        client.delete_table(TableName=copy)


def _exists(client: Any, table: str) -> bool:
    try:
        client.describe_table(TableName=table)
    except client.exceptions.ResourceNotFoundException:
        return False
    return True
