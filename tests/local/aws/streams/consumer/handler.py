"""A consumer of streams that keeps a journal of its events, and fails as its records tell it to."""

import base64
import json
import os
from pathlib import Path
from typing import Any

JOURNAL = Path(os.environ["JOURNAL"])


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Writes down the event before anything else; a record says `raise`, `report`, `crash-once` or anything else."""
    seen = JOURNAL.read_text() if JOURNAL.exists() else ""
    with JOURNAL.open("a") as journal:
        journal.write(json.dumps({"request_id": context.aws_request_id, "event": event}) + "\n")
    sent = [each for each in event.get("Records", []) if "kinesis" in each]
    failed = [each["kinesis"]["sequenceNumber"] for each in sent if _fails(each, seen)]
    return {"batchItemFailures": [{"itemIdentifier": sequence} for sequence in failed]}


def _fails(record: dict[str, Any], seen: str) -> bool:
    wish = base64.b64decode(record["kinesis"]["data"]).decode().split()[0]
    if wish == "crash-once" and record["kinesis"]["sequenceNumber"] not in seen:
        os._exit(3)
    if wish == "raise":
        raise ValueError("a poisonous record")
    return wish == "report"
