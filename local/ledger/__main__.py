"""Rehearses the ledger on this machine: `python -m local.ledger`.

Requests that are sent several times each, by 32 threads at once, while the function that archives is killed, leave one
record each. Then a thousand decisions are archived and sealed, and replayed; one is removed, one changed and one
inserted, each of which `verify` has to name.
"""

import os
import random
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from bonafide.adapters.bundle import BundleFiles
from bonafide.adapters.dynamodb.decisions import DynamoDecisionStore
from bonafide.adapters.ledger.memory import InMemoryParts
from bonafide.biometrics.scoring import Calibration, SpaceCalibrations
from bonafide.services.archive.sealing import Sealing
from bonafide_client import Client, bodies
from layers.golden.readers import Reader, load, wav
from local.ledger.made import made_decisions
from local.runner import Deployment, deployment
from ops.ledger.replaying import BUNDLE, Replay
from ops.ledger.stage import ARCHIVE, LedgerOfStage
from ops.ledger.verifying import LedgerCheck
from ops.restore import DECISIONS, data_resources

STAGE = "dev"
THREADS, REQUESTS, TIMES = 32, 64, 3
MADE = 1000
KEPT = timedelta(days=365)
SECONDS_TO_ARCHIVE = 120.0
SETTINGS: dict[str, Any] = {"policy": {"minimum_enrolment_seconds": 6}}

type Check = tuple[bool, str]


class LedgerRehearsal:
    """One rehearsal on a running deployment."""

    def __init__(self, running: Deployment, domain: str, people: Sequence[Reader]) -> None:
        self._running = running
        self._domain = domain
        self._people = people
        connect = running.emulator.client
        self._client = Client(running.endpoint, timeout=60)
        self._ledger = LedgerOfStage.of(STAGE, connect)
        names = data_resources(connect("cloudformation"), STAGE)
        self._bucket, self._s3 = names[ARCHIVE], connect("s3")
        self._table = DynamoDecisionStore(connect("dynamodb"), names[DECISIONS])
        self._ids: set[str] = set()

    def run(self) -> Iterator[Check]:
        """Plays it; yields what was checked, and whether it held."""
        self._client.put_domain(self._domain, **SETTINGS)
        for each in self._people:
            audio = wav(each.enrollment)
            self._client.enroll(self._domain, each.name, bodies.audio(audio), bodies.consent(f"receipt-{each.name}"))
        yield from self._duplicates()
        yield from self._thousand()

    def _duplicates(self) -> Iterator[Check]:
        sent = [number for number in range(REQUESTS) for _ in range(TIMES)]
        random.Random(1).shuffle(sent)  # noqa: S311, an order
        with ThreadPoolExecutor(THREADS) as threads:
            answers = threads.map(self._call, sent)
            killed = self._kill_archiving()
            by_key = Counter(zip(sent, answers, strict=True))
        self._ids = {name for _, name in by_key}
        said = f"{len(sent)} requests of {THREADS} threads, {TIMES} of each key: {len(self._ids)} decisions"
        yield len(by_key) == len(self._ids) == REQUESTS and set(by_key.values()) == {TIMES}, said
        self._wait(REQUESTS)
        yield self._stored() == self._ids, f"the table has these {len(self._ids)}, and no others"
        entries = [each for day in self._days() for each in self._ledger.archive.contents(self._domain, day)]
        names = sorted(each.name for each in entries)
        once = names == sorted(self._ids) and not any(each.covered for each in entries)
        yield once, f"the archive has each once, although {killed} processes that archive were killed"

    def _call(self, number: int) -> str:
        who, voice = self._people[number % 2], self._people[number // 2 % 2]
        key = f"{self._domain}-{number}"
        answer = self._client.authenticate(self._domain, who.name, wav(voice.call), call_id=str(number), key=key)
        return str(answer["decision_id"])

    def _kill_archiving(self) -> int:
        """Kills the processes that archive for a while; returns how many."""
        killed = 0
        for _ in range(10):
            time.sleep(1)
            for each in self._running.functions["archive_decisions"].processes():
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
                    killed += 1
        return killed

    def _thousand(self) -> Iterator[Check]:
        now = datetime.now(UTC)
        calibration = newest_calibration()
        like = self._table.read(self._domain, min(self._ids))
        assert like
        for record in made_decisions(like, calibration, MADE, now):
            self._table.append(record, now + KEPT)
        self._wait(MADE + REQUESTS)
        later = now + timedelta(minutes=2)
        yield self._verified(later) == [], "the day of a thousand more verifies against the table"
        tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=3)
        seals = self._seal(tomorrow)
        yield seals == MADE + REQUESTS, f"{seals} records are sealed when the day is over"
        yield self._verified(tomorrow) == [], "the sealed day verifies"
        report, equal = Replay.of(self._ledger, self._domain, BUNDLE).run(None, None, MADE)
        yield equal and report.startswith(f"{MADE} decisions are equal to the last bit"), f"replay: {report}"
        expected = self._tamper()
        found = self._verified(tomorrow)
        yield sorted(found) == sorted(expected), f"verify names what was done: {', '.join(found)}"

    def _tamper(self) -> list[str]:
        """Removes one record for good, changes one, and inserts one, with the rights of an administrator."""
        (day,) = self._days()
        folder = f"decisions/{self._domain}/{day}"
        first = self._s3.list_object_versions(Bucket=self._bucket, Prefix=f"{folder}/made-1")["Versions"]
        versions = {each["Key"].rpartition("/")[2]: each["VersionId"] for each in first}
        body = self._s3.get_object(Bucket=self._bucket, Key=f"{folder}/made-11")["Body"].read()
        for name in ("made-10", "made-11"):
            self._s3.delete_object(
                Bucket=self._bucket, Key=f"{folder}/{name}", VersionId=versions[name], BypassGovernanceRetention=True
            )
        self._s3.put_object(Bucket=self._bucket, Key=f"{folder}/made-11", Body=body.replace(b"made-11", b"made-x1"))
        self._s3.put_object(Bucket=self._bucket, Key=f"{folder}/made-x", Body=body)
        return [
            f"{fault}: {day} decision {name}"
            for fault, name in (("removed", "made-10"), ("changed", "made-11"), ("inserted", "made-x"))
        ]

    def _seal(self, now: datetime) -> int:
        ledger = self._ledger
        parts = InMemoryParts()
        sealing = Sealing(ledger.archive, ledger.seals, parts, ledger.decisions, ledger.domains, lambda: now)
        return sum(len(each.entries) for each in sealing.run(lambda: 1000.0) if each.domain == self._domain)

    def _verified(self, now: datetime) -> list[str]:
        report, _ = LedgerCheck(self._ledger, self._domain, now).run()
        return [each for each in report.splitlines() if " compared with " not in each and "newest root" not in each]

    def _stored(self) -> set[str]:
        now = datetime.now(UTC)
        positions = self._table.positions(self._domain, now - timedelta(hours=2), now + timedelta(minutes=1))
        return {each.decision_id for each in positions}

    def _days(self) -> Sequence[Any]:
        return self._ledger.archive.days(self._domain)

    def _wait(self, count: int) -> None:
        """Waits until the archive has so many records."""
        end = time.monotonic() + SECONDS_TO_ARCHIVE
        while time.monotonic() < end:
            archive = self._ledger.archive
            if sum(1 for day in archive.days(self._domain) for _ in archive.names(self._domain, day)) >= count:
                return
            time.sleep(2)


def newest_calibration() -> Calibration:
    """Returns the calibration of the bundle's newest space."""
    return SpaceCalibrations.parse(BundleFiles.open(BUNDLE).calibrations()).newest_first[0]


def main() -> int:
    """Runs the rehearsal; returns 0 only if every check held."""
    people = list(load().values())[:2]
    with deployment(stage=STAGE) as running:
        checks = list(LedgerRehearsal(running, f"ledger-{secrets.token_hex(4)}", people).run())
    for held, what in checks:
        print(f"{'✓' if held else '✗'} {what}")
    return 0 if all(held for held, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
