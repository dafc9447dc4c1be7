"""Erases with the code of the functions, in processes that are killed at each kind of write.

`python -m local.erasure.worker TASK ARGUMENTS...` in the environment of a function. Each try is a process of its own,
which ends by SIGKILL the first time that it is about to make a kind of write to a store, and again after one. Tries
follow each other until one lives to its end. The last line of the output has what happened, as JSON.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3

from bonafide.bootstrap import stores
from bonafide.bootstrap.erasure import erasable_stores
from bonafide.errors import Conflict, NotFound
from bonafide.services.erasures import ErasureRuns

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "PutObject", "DeleteObjects"}
MOST_TRIES = 200
SECONDS = 120.0


class Fate:
    """Kills this process before a kind of write that was not met before, or after it.

    Attributes:
        known: kinds of writes with their moments, at which an earlier process was killed.
    """

    def __init__(self, known: set[str], told: int) -> None:
        self.known = known
        self._told = told
        self._write = ""

    def before(self, model: Any, params: Any, **_: Any) -> None:
        """Is called before each request to AWS."""
        self._write = f"{model.name} {_place(params)}" if model.name in WRITES else ""
        self._meet("before")

    def after(self, **_: Any) -> None:
        """Is called after each request to AWS."""
        self._meet("after")

    def _meet(self, moment: str) -> None:
        step = f"{moment} {self._write}"
        if self._write and step not in self.known:
            os.write(self._told, step.encode())
            os.kill(os.getpid(), signal.SIGKILL)


def _place(params: Mapping[str, Any]) -> str:
    """Returns the table that a request to DynamoDB writes to, or the bucket of one to S3."""
    body = params["body"]
    if not isinstance(body, bytes | str) or "x-amz-target" not in {name.lower() for name in params["headers"]}:
        return urlsplit(str(params["url"])).path.split("/")[1]
    document: Any = json.loads(body)
    if "TransactItems" in document:
        return str(next(iter(document["TransactItems"][0].values()))["TableName"])
    return str(document.get("TableName") or next(iter(document["RequestItems"])))


def delete_speaker(domain: str, speaker: str) -> str:
    """Does what a request to delete a speaker does."""
    stores.speakers().delete(domain, speaker)
    return ""


def delete_domain(domain: str) -> str:
    """Does what a request to delete a domain does."""
    stores.domains().delete(domain, force=True)
    return ""


def go_on(minutes: str) -> str:
    """Does what the schedule does, some minutes later; returns what is still pending."""
    later = timedelta(minutes=float(minutes))
    erasures = stores.erasure_store()

    def clock() -> datetime:
        return datetime.now(UTC) + later

    ErasureRuns(erasures, stores.domain_store(), erasable_stores(clock), clock).go_on(lambda: SECONDS)
    return " ".join(each.name for each in erasures.pending())


TASKS: Mapping[str, Callable[..., str]] = {
    "delete-speaker": delete_speaker,
    "delete-domain": delete_domain,
    "go-on": go_on,
}


def lived(task: Callable[..., str], arguments: Sequence[str], known: set[str], told: int) -> None:
    """Does a task in this process, which ends then."""
    fate = Fate(known, told)
    boto3.setup_default_session()
    events = boto3.DEFAULT_SESSION.events  # type: ignore[union-attr]
    events.register("before-call", fate.before)
    events.register("after-call", fate.after)
    pending = ""
    # Whoever erased before was killed when it was done with it.
    with suppress(NotFound, Conflict):
        pending = task(*arguments)
    os.write(told, f"done {pending}".encode())
    os._exit(0)


def tried(task: Callable[..., str], arguments: Sequence[str], known: set[str]) -> str:
    """Does a task in a process of its own; returns the step at which that was killed, or how it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        lived(task, arguments, known, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def main() -> int:
    """Does a task until a process lives to its end."""
    task, arguments = TASKS[sys.argv[1]], sys.argv[3:]
    known = set(json.loads(sys.argv[2]))
    kills: list[str] = []
    for _ in range(MOST_TRIES):
        said = tried(task, arguments, known)
        if not said.startswith(("before", "after")):
            break
        known.add(said)
        kills.append(said)
    if not said.startswith("done"):
        sys.exit(f"{task.__name__}: it failed, or was killed {MOST_TRIES} times")
    print(json.dumps({"kills": kills, "pending": said.removeprefix("done").split()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
