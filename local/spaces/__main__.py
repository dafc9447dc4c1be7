"""Moves domains to the embedding space of another network, under load: `python -m local.spaces`.

Two domains, one of which keeps enrollment audio. While people call, a bundle of another speaker network is released
through the canary, canceled in the middle, and released again. Voiceprints are migrated by a process that is killed
half way; the stage goes back to the release before, and forward again; the migration goes on. People of the domain
without audio enroll again. In the end the stage goes back once more. Nobody may be refused.
"""

import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bonafide.adapters.bundle import BundleFiles
from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from layers.golden.readers import Reader, load
from local.cloud.metrics.pump import MetricPump
from local.cloud.releases.control_plane import ControlPlane
from local.cloud.releases.deploy import UpdateStatus
from local.cloud.releases.published import PublishedVersions
from local.cloud.releases.target import DeployedStack, read
from local.rehearse.scenarios import BUNDLE, unchanged
from local.rehearse.traffic import Traffic, calls, client_without_retries, enroll_all
from local.rehearse.versions import synthesize
from local.runner import Deployment, ExtraServices, deployment
from local.spaces.build import build
from local.spaces.callers import KEPT, MIX, UNKEPT, CallLog, enrollable
from local.spaces.release import ReleaseDriver
from local.spaces.report import MoveReport
from ops.migration.progress import SpaceCount
from ops.migration.voiceprints import speakers
from ops.restore import DOMAINS, data_resources
from ops.synthesis import ROOT

STAGE = "staging"
PACE = 20.0
CALLS_A_SECOND = 2.0
OUT = Path(".build/spaces")
OTHER = OUT / "bundle"
# The synthetic caller runs only every other minute.
PROBE_MINUTES = 2
# Golden calls may take any time, as in `PatientTarget`.
PATIENT = {"BONAFIDE_PROBE_BOUNDS_MS": "{}"}
QUIET_SECONDS = 12.0
REFUSED = 3
HALF_WAY = 2


@dataclass(slots=True)
class Move:
    """The move of the domains, step by step.

    Attributes:
        releases: makes releases.
        readers: who call meanwhile, by name.
        log: of their calls.
        assembly: of the release with the other bundle.
        report: of what happens.
    """

    releases: ReleaseDriver
    readers: Mapping[str, Reader]
    log: CallLog
    assembly: Path
    report: MoveReport

    def play(self) -> None:
        """Plays all steps."""
        for domain in (KEPT, UNKEPT):
            self.report.say(f"enrolled in {domain}: {self._enrolled(domain)}")
        source = calls(self.readers, sorted(self.readers), MIX)
        traffic = Traffic(self._endpoint, source, CALLS_A_SECOND, self.log.take)
        try:
            self._release_twice()
            self._move()
        finally:
            traffic.stop()

    def _release_twice(self) -> None:
        self._phase("before")
        time.sleep(QUIET_SECONDS)
        self._phase("canary, canceled")
        self.report.expect("the first release is rolled back", self._release(lambda: True), "rolled back")
        self._phase("canary, again")
        self.report.expect("the second release is promoted", self._release(lambda: False), "promoted")

    def _move(self) -> None:
        self._phase("migrating")
        process = self._killed_half_way()
        self.report.say(f"the migration is killed with {process}: {self._counted(KEPT).complete} have moved")
        self._go("rolled back, half migrated", back=True)
        self._go("forward again", back=False)
        self._worker("voiceprints", "--apply").wait()
        self._count("the migration, started again, has ended")
        self._phase("enrolling again")
        self.report.say(f"enrolled again in {UNKEPT}: {self._enrolled(UNKEPT)}")
        self._phase("moved")
        time.sleep(QUIET_SECONDS)
        counts = self._count("at the end")
        self.report.expect("everybody has moved", str(all(not each.former for each in counts)), "True")
        refused = self._worker("complete", "--apply").wait() == REFUSED
        self.report.expect("removing former voiceprints is refused while a rollback needs them", str(refused), "True")
        self._go("rolled back, all migrated", back=True)

    @property
    def _endpoint(self) -> str:
        return self.releases.stack.running.endpoint

    def _enrolled(self, domain: str) -> dict[str, int]:
        """Enrolls the readers; counts the answers."""
        client = client_without_retries(self._endpoint)
        found = Counter(enroll_all(client, domain, self.readers).values())
        client.close()
        return dict(found)

    def _release(self, cancel: Callable[[], bool]) -> UpdateStatus:
        return self.releases.release(self.assembly, STAGE, cancel)

    def _go(self, name: str, *, back: bool) -> None:
        self.releases.go(back=back)
        self._phase(name)
        time.sleep(QUIET_SECONDS)

    def _killed_half_way(self) -> int:
        """Migrates until two have moved, and kills that; returns the exit status."""
        process = self._worker("voiceprints", "--apply", "--rate", "1")
        while self._counted(KEPT).complete < HALF_WAY and process.poll() is None:
            time.sleep(0.2)
        process.kill()
        return process.wait()

    def _worker(self, action: str, *options: str) -> subprocess.Popen[bytes]:
        digests = (BundleFiles.open(ROOT / BUNDLE).digest, BundleFiles.open(OTHER).digest)
        place = [self.releases.stack.running.emulator.endpoint, ",".join(digests[1:]), digests[0]]
        given = [action, "--stage", STAGE, "--domain", KEPT, "--bundle", str(OTHER), *options]
        with (OUT / "migration.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "local.spaces.worker", *place, *given], cwd=ROOT, stdout=log, stderr=log
            )

    def _count(self, when: str) -> list[SpaceCount]:
        counts = [self._counted(domain) for domain in (KEPT, UNKEPT)]
        for domain, found in zip((KEPT, UNKEPT), counts, strict=True):
            self.report.say(f"{when}, {domain}: {str(found).splitlines()[0]}")
        return counts

    def _counted(self, domain: str) -> SpaceCount:
        aws = self.releases.stack.running.emulator
        table = data_resources(aws.client("cloudformation"), STAGE)[DOMAINS]
        store = DynamoDomainStore(aws.client("dynamodb"), table)
        record = store.domain(domain)
        assert record
        newest = BundleFiles.open(OTHER).manifest["embedding_space"]
        return SpaceCount.of(speakers(store, domain), newest, record.policy)

    def _phase(self, name: str) -> None:
        self.log.phase = name
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
        move.play()
        report.close(move.log.answers)
    return 0 if report.held else 1


def _with_other_bundle(root: Path) -> None:
    for old in (root / BUNDLE).iterdir():
        old.unlink()
    for new in OTHER.iterdir():
        (root / BUNDLE / new.name).write_bytes(new.read_bytes())


def _prepared(cleanup: ExitStack, assemblies: dict[str, Path], report: MoveReport) -> Move:
    control, pump = ControlPlane(), MetricPump({}, stage=STAGE)
    cleanup.callback(control.stop)
    services = ExtraServices(pump.record, {**control.variables, **PATIENT}, pump)
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
    stack = DeployedStack(running, former, published, running.functions)
    releases = ReleaseDriver(stack, control, pump, PACE, report.say)
    client = client_without_retries(running.endpoint)
    readers = enrollable(client, load())
    client.close()
    return Move(releases, readers, CallLog(), assemblies["other"], report)


if __name__ == "__main__":
    sys.exit(main())
