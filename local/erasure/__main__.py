"""Rehearses erasures on this machine: `python -m local.erasure`.

A speaker and a domain are erased while sessions run. Whatever erases is killed before and after each kind of write to
each store, and so are the functions that score. Afterwards every store of the template is scanned.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bonafide_client import NO_RETRIES, Client
from layers.golden.readers import load
from local.erasure.calls import Line, Streamer
from local.erasure.scan import NamesFound, Scan
from local.runner import Deployment, deployment
from ops.synthesis import ROOT

STAGE = "dev"
# The readers' recordings are short, so the domains require less speech than by default.
SETTINGS: dict[str, Any] = {"policy": {"minimum_enrolment_seconds": 6}, "retention": {"keep_audio": True}}
# So long sessions run before anything is erased.
SECONDS_BEFORE = 8.0
# Minutes after now at which the schedule looks once the sessions are over: a domain's uploads can be written for 15.
LATER = (3, 22, 24, 26, 28)
SCORING = ("score_audio", "close_sessions", "ingest_audio")
TASK_SECONDS = 900

type Check = tuple[bool, str]


@dataclass
class KilledWorkers:
    """Erasures by processes that are killed.

    Attributes:
        running: the deployment.
        steps: moments, kinds of writes and stores at which a process was killed.
    """

    running: Deployment
    steps: list[str] = field(default_factory=list)

    def erase(self, function: str, name: str, *arguments: str) -> list[str]:
        """Does a task in the environment of a function until a process lives to its end; returns what is pending."""
        own = self.running.functions[function].program.environment
        environment = {**own, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "local.erasure.worker", name, json.dumps(self.steps), *arguments]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=TASK_SECONDS
        )
        if done.returncode:
            sys.exit(done.stderr)
        said: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
        self.steps += said["kills"]
        print(
            f"{name} {' '.join(arguments)}: killed {len(said['kills'])} times, {len(said['pending'])} pending",
            flush=True,
        )
        return said["pending"]

    def kill_scoring(self) -> int:
        """Kills the processes of functions that score or close sessions now; returns how many."""
        found = [each for name in SCORING for each in self.running.functions[name].processes()]
        for each in found:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        return len(found)


class ErasureRehearsal:
    """One rehearsal on a running deployment: Zoe is erased, Yuri stays, and Xena's domain is erased."""

    def __init__(self, running: Deployment, line: Line, people: Sequence[Streamer]) -> None:
        self._line = line
        self._workers = KilledWorkers(running)
        self._zoe, self._yuri, self._xena = people
        self._scan = Scan(running.emulator.client, STAGE)

    def run(self) -> Iterator[Check]:
        """Plays it; yields what was checked, and whether it held."""
        before = self._begin()
        print(f"before: {before.count} items and objects say the names, in {len(before.left)} stores", flush=True)
        yield len(before.left) >= 5, f"before, {len(before.left)} stores say the names"
        pending, scoring = self._erase()
        steps = self._workers.steps
        yield len(steps) >= 20, f"processes were killed at {len(steps)} steps, and {scoring} that score or close"
        yield not pending, "no erasure is pending"
        yield from self._after()

    def _begin(self) -> NamesFound:
        for domain in (self._zoe.domain, self._xena.domain):
            self._line.client.put_domain(domain, **SETTINGS)
        for each in (self._zoe, self._yuri, self._xena):
            self._line.enroll(each)
        self._line.begin(self._zoe)
        self._line.begin(self._zoe, self._yuri)
        self._line.begin(self._yuri)
        self._line.begin(self._xena)
        time.sleep(SECONDS_BEFORE)
        return self._found()

    def _erase(self) -> tuple[list[str], int]:
        """Erases while sessions run, and then until nothing is pending; returns what is, and killed functions."""
        # Who is gone begins no more sessions; those that run go on.
        self._line.leave(self._zoe, self._xena)
        self._workers.erase("manage_speakers", "delete-speaker", self._zoe.domain, self._zoe.name)
        self._workers.erase("manage_domains", "delete-domain", self._xena.domain)
        scoring = self._workers.kill_scoring()
        pending = self._workers.erase("close_sessions", "go-on", "0")
        self._line.stop()
        for minutes in LATER:
            pending = pending and self._workers.erase("close_sessions", "go-on", str(minutes))
        return pending, scoring

    def _after(self) -> Iterator[Check]:
        found = self._found()
        for store, places in found.left.items():
            print(f"left in {store}: {places[:5]}")
        reports = [self._report(each.domain) for each in (self._zoe, self._xena)]
        yield all(each["completed_at"] for each in reports), "the reports say that the erasures are complete"
        yield not found.left, f"a scan over all {found.stores} stores of the template finds nothing of them"
        yield (
            found.records > 0,
            f"{found.records} records of the erasures and of acts in the domains are kept on purpose",
        )
        yield (
            True,
            f"{found.streamed} records of the stream say the names, which nobody can delete: they expire in a day",
        )
        answer = self._line.call(self._yuri)
        yield answer in {"ACCEPT", "STEP_UP"}, f"who stays is answered as somebody who is enrolled: {answer}"
        gone = self._line.call(self._zoe), self._line.call(self._xena)
        yield gone == ("speaker_not_found", "domain_not_found"), "who was erased is not known any more"

    def _report(self, domain: str) -> Any:
        (report,) = self._line.client.erasures(domain)["erasures"]
        counts = {each["store"]: each["erased"] for each in report["stores"] if each["erased"]}
        print(f"report on {report['speaker'] or domain}: {counts}")
        return report

    def _found(self) -> NamesFound:
        sessions = self._line.sessions.get(self._xena.name, [])
        return self._scan.find([self._zoe.name, self._xena.name, self._xena.domain, *sessions])


def main() -> int:
    """Runs the rehearsal; returns 0 only if every check held."""
    tag, readers = secrets.token_hex(4), iter(load().values())
    places = (("stays", "zoe"), ("stays", "yuri"), ("leaves", "xena"))
    people = [Streamer(f"{domain}-{tag}", f"{name}-{tag}", next(readers)) for domain, name in places]
    with deployment(stage=STAGE) as running:
        line = Line(Client(running.endpoint, timeout=60, retries=NO_RETRIES))
        checks = list(ErasureRehearsal(running, line, people).run())
    for held, what in checks:
        print(f"{'✓' if held else '✗'} {what}")
    return 0 if all(held for held, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
