"""Moves domains to the embedding space of another network, under load: `python -m local.spaces`.

Two domains, one of which keeps enrollment audio. While people call, a bundle of another speaker network is released
through the canary; voiceprints are migrated meanwhile, by a process that is killed and started again; the release is
canceled in the middle and made again; people of the domain without audio enroll again. Nobody may be refused.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bonafide.adapters.bundle import BundleFiles
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from layers.golden.readers import load
from local.cloud.metrics.pump import MetricPump
from local.cloud.releases.control_plane import ControlPlane
from local.cloud.releases.deploy import UpdateStatus
from local.cloud.releases.published import PublishedVersions
from local.rehearse.scenarios import BUNDLE, unchanged
from local.rehearse.target import read
from local.rehearse.traffic import client_without_retries
from local.rehearse.versions import synthesize
from local.runner import Deployment, ExtraServices, deployment
from local.spaces.build import build
from local.spaces.callers import KEPT, UNKEPT, Callers, enrollable
from local.spaces.release import ReleaseDriver
from local.spaces.report import MoveReport
from ops.migration.__main__ import speakers
from ops.migration.progress import SpaceCount
from ops.restore import DOMAINS, data_resources
from ops.synthesis import ROOT

STAGE = "staging"
PACE = 12.0
CALLS_A_SECOND = 4.0
OUT = Path(".build/spaces")
OTHER = OUT / "bundle"
# The synthetic caller runs only every other minute.
PROBE_MINUTES = 2
QUIET_SECONDS = 10.0
REFUSED = 3


@dataclass(slots=True)
class Move:
    """The move of the domains, step by step.

    Attributes:
        releases: makes releases.
        callers: who call meanwhile.
        assembly: of the release with the other bundle.
        report: of what happens.
    """

    releases: ReleaseDriver
    callers: Callers
    assembly: Path
    report: MoveReport

    def play(self) -> None:
        """Plays all steps."""
        names = sorted(self.callers.readers)
        for domain in (KEPT, UNKEPT):
            self.report.say(f"enrolled in {domain}: {dict(self.callers.enroll(domain, names))}")
        self.callers.start()
        self._phase("before")
        time.sleep(QUIET_SECONDS)
        self._phase("canary, canceled")
        self.report.expect("the first release is rolled back", self._release(self._migrate_and_cancel()), "rolled back")
        self._phase("rolled back")
        time.sleep(QUIET_SECONDS)
        self._phase("canary, again")
        self.report.expect("the second release is promoted", self._release(lambda: False), "promoted")
        self._phase("released")
        self._finish(names)

    def _finish(self, names: list[str]) -> None:
        self._migrate("--apply")
        self._count("after the migration")
        time.sleep(QUIET_SECONDS)
        self._phase("enrolling again")
        self.report.say(f"enrolled again in {UNKEPT}: {dict(self.callers.enroll(UNKEPT, names))}")
        time.sleep(QUIET_SECONDS)
        self._phase("moved")
        time.sleep(QUIET_SECONDS)
        counts = self._count("at the end")
        self.report.expect("everybody has moved", str(all(not each.former for each in counts)), "True")
        refused = self._worker("complete", "--apply").wait() == REFUSED
        self.report.expect("removing former voiceprints is refused while a rollback needs them", str(refused), "True")

    def _release(self, cancel: Callable[[], bool]) -> UpdateStatus:
        return self.releases.release(self.assembly, STAGE, cancel)

    def _migrate_and_cancel(self) -> Callable[[], bool]:
        """Migrates as soon as callers meet the new release, killed once on the way, and cancels the release then."""
        steps = self._migrate_in_canary()
        return lambda: next(steps, True)

    def _migrate_in_canary(self) -> Iterator[bool]:
        """Yields False until the migration is done."""
        process = self._worker("voiceprints", "--apply", "--rate", "1")
        while self._migrated() < 2 and process.poll() is None:
            yield False
        process.kill()
        process.wait()
        self.report.say(f"the migration is killed: {self._migrated()} of {len(self.callers.readers)} are migrated")
        process = self._worker("voiceprints", "--apply", "--rate", "1")
        while process.poll() is None:
            yield False
        self.report.say(f"started again, it ends: {self._migrated()} are migrated; the release is canceled now")

    def _migrate(self, *options: str) -> None:
        self._worker("voiceprints", *options).wait()

    def _worker(self, action: str, *options: str) -> subprocess.Popen[bytes]:
        digests = (BundleFiles.open(ROOT / BUNDLE).digest, BundleFiles.open(OTHER).digest)
        place = [self.releases.running.emulator.endpoint, ",".join(digests[1:]), digests[0]]
        given = [action, "--stage", STAGE, "--domain", KEPT, "--bundle", str(OTHER), *options]
        with (OUT / "migration.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "local.spaces.worker", *place, *given], cwd=ROOT, stdout=log, stderr=log
            )

    def _migrated(self) -> int:
        return self._counted(KEPT).complete

    def _count(self, when: str) -> list[SpaceCount]:
        counts = [self._counted(domain) for domain in (KEPT, UNKEPT)]
        for domain, found in zip((KEPT, UNKEPT), counts, strict=True):
            self.report.say(f"{when}, {domain}: {str(found).splitlines()[0]}")
        return counts

    def _counted(self, domain: str) -> SpaceCount:
        aws = self.releases.running.emulator
        table = data_resources(aws.client("cloudformation"), STAGE)[DOMAINS]
        store = DynamoDomainStore(aws.client("dynamodb"), table)
        record = store.domain(domain)
        assert record
        newest = BundleFiles.open(OTHER).manifest["embedding_space"]
        return SpaceCount.of(speakers(store, domain), newest, record.policy)

    def _phase(self, name: str) -> None:
        self.callers.phase = name
        self.report.say(f"-- {name}")


def main() -> int:
    """Runs the move; returns 0 only if nobody was refused and every step ended as expected."""
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "migration.log").unlink(missing_ok=True)
    build(OTHER)
    report = MoveReport(OUT)
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="bonafide-")))
        assemblies = synthesize(folder, {"former": unchanged, "other": _with_other_bundle}, STAGE)
        move = _prepared(cleanup, assemblies, report)
        cleanup.callback(move.callers.stop)
        move.play()
        move.callers.stop()
        report.close(move.callers.answers)
    return 0 if report.held else 1


def _with_other_bundle(root: Path) -> None:
    for old in (root / BUNDLE).iterdir():
        old.unlink()
    for new in OTHER.iterdir():
        (root / BUNDLE / new.name).write_bytes(new.read_bytes())


def _prepared(cleanup: ExitStack, assemblies: dict[str, Path], report: MoveReport) -> Move:
    control, pump = ControlPlane(), MetricPump({}, stage=STAGE)
    cleanup.callback(control.stop)
    services = ExtraServices(pump.record, control.variables, pump)
    running: Deployment = cleanup.enter_context(
        deployment(
            stage=STAGE,
            assembly=assemblies["former"],
            logs=OUT / "logs",
            pace=PACE / PROBE_MINUTES,
            services=services,
        )
    )
    pump.names = running.template.resource_names()
    published = PublishedVersions()
    former = read(assemblies["former"], STAGE, published.deploy(None, running.template), published)
    releases = ReleaseDriver(running, former, published, control, pump, PACE, report.say)
    cleanup.callback(releases.close)
    client = client_without_retries(running.endpoint)
    readers = enrollable(client, load())
    client.close()
    return Move(releases, Callers(running.endpoint, readers, CALLS_A_SECOND), assemblies["other"], report)


if __name__ == "__main__":
    sys.exit(main())
