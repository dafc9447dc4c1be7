"""Rehearses a restore on this machine: `python -m local.recovery`.

People enroll and call; then their data are damaged, and restored by the code that restores on AWS. Every call has to be
decided again as before, and nobody who was erased in between may be back.
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bonafide_client import NO_RETRIES, Client
from layers.golden.readers import load
from local.aws.synth import synthesize
from local.demo.replay import replay
from local.recovery.backups import ContinuousBackups, complete_tables
from local.recovery.scene import DOMAIN, SETTINGS, Caller, spoil_voiceprint, wipe
from local.runner import Deployment, deployment
from ops.restore import DECISIONS, DOMAINS, KEYS, RestoreRequest, data_resources, restore

STAGE = "dev"
# Of AWS five minutes: a rehearsal does not wait for them.
LAG = timedelta(seconds=2)
PEOPLE = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation with its result."""

    what: str
    held: bool


class RecoveryRehearsal:
    """One rehearsal on a running deployment."""

    def __init__(self, running: Deployment, callers: Sequence[Caller]) -> None:
        self._running = running
        self._client = running.emulator.client("dynamodb")
        self._names = data_resources(running.emulator.client("cloudformation"), STAGE)
        self._backups = ContinuousBackups(self._client, LAG)
        self._spoilt, self._wiped, self._deleted, self._opted_out, self._late = callers

    def run(self) -> list[Check]:
        """Plays it; returns what was checked."""
        early = [self._spoilt, self._wiped, self._deleted, self._opted_out]
        enrolled = [each.enroll() for each in early]
        before = {each.name: each.call() for each in early}
        at = self._backups.remember()
        print(f"point in time: {at:%FT%TZ}, {len(early)} people enrolled, {len(before)} decisions")
        lived_on = self._live_on()
        broken = time.monotonic()
        self._damage()
        _wait_until(at + LAG + timedelta(seconds=1))
        self._restore(at, apply=False)
        self._restore(at, apply=True)
        checks = self._checks(before, lived_on)
        print(
            f"RPO: {'nothing' if all(each.held for each in checks) else 'something'} of the point in time is lost, "
            "and what was enrolled after it is kept"
        )
        print(
            f"RTO: {time.monotonic() - broken:.0f} s from the damage to the last check; on AWS the copies alone take "
            "20 to 60 minutes"
        )
        return [Check("everybody could enroll", set(enrolled) == {"ENROLLED"}), *checks]

    def _live_on(self) -> dict[str, Any]:
        """Lets people come and go after the point in time; returns the call of the one who came."""
        self._running_client.delete_speaker(DOMAIN, self._deleted.name)
        self._running_client.opt_out(DOMAIN, self._opted_out.name)
        self._late.enroll()
        print("afterwards: one speaker is deleted, one opts out, one enrolls")
        return self._late.call()

    @property
    def _running_client(self) -> Client:
        return self._late.client

    def _damage(self) -> None:
        spoil_voiceprint(self._client, self._names[DOMAINS], self._spoilt.name, self._late.name)
        spared = (self._spoilt.name, self._late.name)
        items = wipe(self._client, self._names[DOMAINS], KEYS[DOMAINS], spare=spared)
        decisions = wipe(self._client, self._names[DECISIONS], KEYS[DECISIONS])
        print(f"damage: a voiceprint is another person's, {items} items and {decisions} decisions are gone")
        print(f"a call now: {self._wiped.call()['decision']}")

    def _restore(self, at: datetime, *, apply: bool) -> None:
        print(f"make restore STAGE={STAGE} TIME={at:%FT%TZ} OVERWRITE=yes{' APPLY=yes' if apply else ''}")
        request = RestoreRequest(STAGE, at, overwrite=True, apply=apply)
        connect = self._backups.connect(lambda service, **_: self._running.emulator.client(service))
        print("\n".join(f"  {line}" for line in str(restore(request, connect, poll=0.2)).splitlines()))

    def _checks(self, before: Mapping[str, Any], late: Mapping[str, Any]) -> list[Check]:
        same = [each.call() == before[each.name] for each in (self._spoilt, self._wiped)]
        replayed = replay(self._running, [DOMAIN])
        names = {each["speaker"] for each in self._running_client.speakers(DOMAIN)}
        copies = [name for name in self._client.list_tables()["TableNames"] if "-at-" in name]
        return [
            Check("calls are decided as before, to the last digit", all(same)),
            Check("who enrolled after the point in time is decided as before", self._late.call() == late),
            Check("who was deleted stays deleted", self._deleted.call()["decision"] == "speaker_not_found"),
            Check("who opted out stays opted out", self._opted_out.call()["decision"] == "speaker_opted_out"),
            Check("nobody else is there", names == {each.name for each in self._remaining()}),
            Check("the decisions are back", replayed.decisions >= len(before)),
            Check("every decision comes out the same when judged again", replayed.equal == replayed.decisions),
            Check("no copy of a table remains", not copies),
        ]

    def _remaining(self) -> Sequence[Caller]:
        return (self._spoilt, self._wiped, self._opted_out, self._late)


def main() -> int:
    """Runs the rehearsal; returns 0 only if every check held."""
    readers = list(load().values())
    with deployment(stage=STAGE) as running:
        complete_tables(running.emulator.client, f"Bonafide-{STAGE}-Data", _template())
        client = Client(running.endpoint, timeout=60, retries=NO_RETRIES)
        client.put_domain(DOMAIN, **SETTINGS)
        checks = RecoveryRehearsal(running, [Caller(client, each) for each in readers[:PEOPLE]]).run()
    for check in checks:
        print(f"{'✓' if check.held else '✗'} {check.what}")
    return 0 if all(check.held for check in checks) else 1


def _template() -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads(
        (synthesize(stage=STAGE) / f"Bonafide-{STAGE}-Data.template.json").read_text()
    )
    return content


def _wait_until(at: datetime) -> None:
    time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))


if __name__ == "__main__":
    sys.exit(main())
