"""Puts back what a stage's tables held at a point in time: `python -m ops.restore --stage S --time T [--apply]`.

Restores domains, speakers and decisions into copies beside the tables, compares, and with --apply writes back what is
missing, without stopping the stage. Nothing that was erased since comes back, and nothing that was created since is
deleted. Repeating it goes on where it stopped. docs/operations/recovery.md says when to use it.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bonafide.adapters.dynamodb.conditions import Item
from bonafide.adapters.erasure.progress import DynamoErasureStore
from bonafide.http.idempotency import DAY_SECONDS
from bonafide.records.erasure import Erasure
from bonafide.services.shared.identifiers import identifier
from ops.recovery.erasing import Eraser
from ops.recovery.erasures import Erasures
from ops.recovery.tables import POLL_SECONDS, NotRestorableError, copy_tables, delete_copies
from ops.recovery.writeback import SEGMENTS, Outcome, TableCopy, WriteBack
from ops.resources import list_resources

# Beginnings of logical ids of the data stack; CDK adds eight hexadecimal digits.
DOMAINS, DECISIONS, IDEMPOTENCY, AUDIO = "Tenants", "Decisions", "Idempotency", "Audio"
KEYS: Mapping[str, tuple[str, str]] = {DOMAINS: ("domain", "item"), DECISIONS: ("domain", "decision_id")}
CALLS = Config(retries={"mode": "adaptive", "max_attempts": 20}, max_pool_connections=SEGMENTS)


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """One restore.

    Attributes:
        stage: one of cdk.json.
        at: the point in time, a whole second.
        domain: the only domain to restore; None for all.
        overwrite: whether records that changed since are put back too.
        apply: whether anything is written.
    """

    stage: str
    at: datetime
    domain: str | None = None
    overwrite: bool = False
    apply: bool = False


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """The outcome of a restore.

    Attributes:
        outcomes: how many items of each table had which outcome.
        erased: items that were put back although they were erased meanwhile, and erased again.
        begun: erasures that were begun again, in every store.
        answers: remembered answers that were forgotten, or would be.
        copying_seconds: until the copies were there.
        writing_seconds: for comparing and writing back.
        plain: how many speakers of each domain came back, or would, with voiceprints that are not protected.
    """

    outcomes: Mapping[str, Counter[Outcome]]
    erased: int
    begun: int
    answers: int
    copying_seconds: float
    writing_seconds: float
    plain: Mapping[str, int]

    def __str__(self) -> str:
        lines = [
            f"{table}: {count} {outcome}"
            for table, counts in self.outcomes.items()
            for outcome, count in counts.items()
        ]
        lines.append(f"{DOMAINS}: {self.erased} erased during the restore, erased again")
        lines += [
            f"{domain}: {count} voiceprints in the plain form; run make protect DOMAIN={domain}"
            for domain, count in self.plain.items()
        ]
        lines.append(f"{self.begun} erasures begun again in every store: GET /v1/domains/DOMAIN/erasures reports them")
        lines.append(f"Idempotency: {self.answers} answers given since, forgotten")
        lines.append(f"{self.copying_seconds:.0f} s for the copies, {self.writing_seconds:.0f} s for the items")
        return "\n".join(lines)


def main() -> int:
    """Runs the command; returns 0 if it could be done."""
    arguments = _arguments()
    request = RestoreRequest(
        arguments.stage, arguments.time, arguments.domain, overwrite=arguments.overwrite, apply=arguments.apply
    )
    try:
        print(restore(request, boto3.client))
    except (NotRestorableError, BotoCoreError, ClientError) as error:
        sys.exit(f"restore: {error}")
    if not request.apply:
        print("Nothing was written. The copies remain for the same command with --apply (make: APPLY=yes).")
    return 0


def restore(request: RestoreRequest, connect: Callable[..., Any], *, poll: float = POLL_SECONDS) -> RestoreReport:
    """Restores one stage, or says what that would do.

    Raises:
        NotRestorableError: there is no backup of that time.
    """
    client = connect("dynamodb", config=CALLS)
    names = data_resources(connect("cloudformation"), request.stage)
    started_at = time.monotonic()
    copies = copy_tables(client, [names[kind] for kind in KEYS], request.at, poll=poll)
    copied = time.monotonic()
    read = partial(Erasures.read, connect("s3", config=CALLS), names[AUDIO], request.domain)
    started, erasures = datetime.now(UTC), read(request.at)
    print(f"{len(erasures)} erasures on record", flush=True)
    filters: Mapping[str, Callable[[Item], Item | None]] = {
        DOMAINS: erasures.restorable,
        DECISIONS: partial(_decision, erasures),
    }
    backs = {kind: WriteBack(client, filters[kind], request.overwrite, request.apply) for kind in KEYS}
    outcomes = {
        kind: backs[kind].run(TableCopy(names[kind], copies[names[kind]], keys, request.domain))
        for kind, keys in KEYS.items()
    }
    erased = begun = 0
    if request.apply:
        erased = Eraser(client, names[DOMAINS]).erase_all(erasures, partial(read, started))
        begun = begin_again(client, names[DOMAINS], read(request.at))
    answers = forget_answers(client, names[IDEMPOTENCY], request.at, apply=request.apply)
    if request.apply:
        delete_copies(client, copies.values())
    seconds = copied - started_at, time.monotonic() - copied
    return RestoreReport(outcomes, erased, begun, answers, *seconds, Counter(backs[DOMAINS].plain))


def data_resources(formation: Any, stage: str) -> dict[str, str]:
    """Returns the physical names of tables and audio bucket by the beginning of their logical ids."""
    found = list_resources(formation, f"Bonafide-{stage}-Data")
    kinds = {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}
    return {
        each["LogicalResourceId"][:-8]: each["PhysicalResourceId"] for each in found if each["ResourceType"] in kinds
    }


def forget_answers(client: Any, table: str, since: datetime, *, apply: bool) -> int:
    """Deletes remembered answers given since a time; returns their number.

    They may tell of what is no longer there. A repeated request is then worked on again, which is safe: the names of
    its effects follow from its key.
    """
    threshold = int((since + timedelta(seconds=DAY_SECONDS)).timestamp())
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        ProjectionExpression="id",
        FilterExpression="expiration >= :since",
        ExpressionAttributeValues={":since": {"N": str(threshold)}},
        ConsistentRead=True,
    )
    count = 0
    for item in (item for page in pages for item in page["Items"]):
        if apply:
            client.delete_item(TableName=table, Key={"id": item["id"]})
        count += 1
    return count


def _decision(erasures: Erasures, item: Item) -> Item | None:
    return erasures.of_decision(item) if int(item["expires_at"]["N"]) > time.time() else None


def begin_again(client: Any, table: str, erasures: Erasures) -> int:
    """Begins erasures once more, in every store: for what was erased while the restore was writing.

    Returns:
        How many.
    """
    store, now = DynamoErasureStore(client, table), datetime.now(UTC)
    for each in erasures:
        name = identifier(now.isoformat(), each.domain, each.speaker or "", each.kind, each.at.isoformat())
        store.put(Erasure.begun(name, each, restored_at=now))
    return len(erasures)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Put back what a stage's tables held at a point in time.")
    parser.add_argument("--stage", required=True, help="one of cdk.json, in the account and region of the environment")
    parser.add_argument("--time", required=True, type=point_in_time, help="such as 2026-11-27T03:10:00Z")
    parser.add_argument("--domain", help="restore this domain only")
    parser.add_argument("--overwrite", action="store_true", help="put back also what changed since")
    parser.add_argument("--apply", action="store_true", help="write; otherwise only say what would be written")
    return parser.parse_args()


def point_in_time(text: str) -> datetime:
    """Reads a whole second with its offset from UTC."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None or at.microsecond:
        raise argparse.ArgumentTypeError(f"{text}: a whole second with its offset, such as 2026-11-27T03:10:00Z")
    return at.astimezone(UTC)


if __name__ == "__main__":
    sys.exit(main())
