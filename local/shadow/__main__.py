"""Tries the shadow on a deployment of this machine, and breaks it: `python -m local.shadow`.

A copy of the default bundle with a stricter calibration of voices challenges it. Readers call, once each and in a
session, in a domain that allows the shadow and in one that does not: whatever becomes of the shadow, the answers are
the same. What is killed loses the one comparison that it was making, and no other.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bonafide.adapters.shadow_audio import PREFIX, S3ShadowAudio
from bonafide.services.shadow import ShadowSweep
from bonafide_client import Client, bodies
from layers.golden.readers import RATE, Reader, load, wav
from local.aws.relay import Fault, Relay, RelayAnswer, RelayRequest, healthy
from local.rehearse.scenarios import make_stricter
from local.runner import Deployment, ExtraServices, deployment
from ops.monitoring.shadow_page import shadow_page
from ops.registry.client import ModelRegistry

BUNDLE = Path(".build/layers/model/bundle")
OUT = Path(".build/shadow/rehearsed.html")
SHADOWED, PLAIN = "shadowed", "plain"
# The recordings are few and called with again and again, by impostors too: neither shall make the difference.
POLICY = {"minimum_enrolment_seconds": 5, "minimum_decision_seconds": 1.5, "failure_limit": None, "disclosure": "full"}
READERS, CHUNKS, SECONDS = 3, 4, 1.5
OWN = {"request_id", "decision_id", "evaluation_id", "session_id", "decided_at", "evaluated_at", "latency_ms", "domain"}
SLOW_SECONDS = 3.0
# Added to the similarity above which a voice speaks for the claim.
STRICTER = 0.25
# The challenger is killed when it takes out the audio of this decision, of those that wait.
KILLED_AT = 2
OFFERING = ("authenticate_caller", "score_audio")


def challenger(folder: Path) -> Path:
    """Writes a copy of the default bundle that takes fewer voices for the claimed one."""
    shutil.copytree(BUNDLE, folder)
    make_stricter(folder, STRICTER)
    return folder


@dataclass(slots=True)
class ShadowTrial:
    """One deployment, its readers, and what is found.

    Attributes:
        running: the deployment.
        relay: between its functions and S3.
        client: of the API.
        readers: who call, by name.
        expected: answers without a shadow.
        offered: decisions whose audio was sent to the shadow, with the number of objects.
        failed: claims that did not hold.
    """

    running: Deployment
    relay: Relay
    client: Client
    readers: Mapping[str, Reader]
    expected: list[Any] = field(default_factory=list)
    offered: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def play(self) -> None:
        """Tries everything."""
        for domain in (SHADOWED, PLAIN):
            self._prepare(domain)
        self.expected = self._call(PLAIN)
        self._expect("with a shadow that works", healthy)
        self._score("scored")
        self._expect("while its bucket refuses", _refuses)
        self._expect("while its bucket is slow", _slow)
        self._expect("once it works again", healthy)
        self._restart("shadow_challenger")
        self._score("with a tampered challenger", _tampers)
        self._kill()
        self._sweep()
        page = shadow_page(self.client.send("GET", f"/v1/domains/{SHADOWED}/shadow"))
        print(page.write(OUT))

    def _prepare(self, domain: str) -> None:
        retention = {"keep_audio": False, "decision_days": 30, "shadow_audio": domain == SHADOWED, "replay_days": 0}
        self.client.send("PUT", f"/v1/domains/{domain}", {"policy": POLICY, "retention": retention})
        for name, each in self.readers.items():
            body = {"audio": bodies.audio(wav(each.enrollment)), "consent": bodies.consent(f"form-{name}")}
            self.client.send("POST", f"/v1/domains/{domain}/speakers/{name}/enrollments", body)

    def _call(self, domain: str) -> list[Any]:
        """Each reader as themselves, one as another, and one in a session; returns what was answered."""
        names = sorted(self.readers)
        calls = [*((name, name) for name in names), (names[0], names[1])]
        return [_seen(self._authenticate(domain, *each)) for each in calls] + [_seen(self._session(domain, names[0]))]

    def _authenticate(self, domain: str, claimed: str, spoke: str) -> Any:
        body = {"audio": bodies.audio(wav(self.readers[spoke].call))}
        return self.client.send("POST", f"/v1/domains/{domain}/speakers/{claimed}/authentications", body)

    def _session(self, domain: str, name: str) -> Any:
        form = {"encoding": "wav"}
        path = f"/v1/domains/{domain}/sessions"
        path += "/" + self.client.send("POST", path, {"speaker": name, "format": form})["session_id"]
        speech = np.resize(self.readers[name].call, round(CHUNKS * SECONDS * RATE))
        for number, part in enumerate(np.split(speech, CHUNKS)):
            self.client.send("PUT", f"{path}/audio/{number}", {"content": bodies.audio(wav(part))["content"]})
        self.client.send("POST", f"{path}/end", {"chunks": CHUNKS})
        return self._final(path)

    def _final(self, path: str) -> Any:
        for _ in range(200):
            found = self.client.send("GET", f"{path}/evaluation")
            if found["status"] == "FINAL":
                return found
            time.sleep(0.1)
        raise TimeoutError(path)

    def _expect(self, when: str, fault: Fault) -> None:
        self._restart(*OFFERING)
        self._same(when, fault)

    def _same(self, when: str, fault: Fault) -> None:
        """Calls, and claims that the answers are those without a shadow, and that the shadow was sent something."""
        sent: list[str] = []
        self.relay.fault = partial(_noted, sent, fault)
        started = time.monotonic()
        found = self._call(SHADOWED)
        self.relay.fault = healthy
        self.offered.update(map(_decision, sent))
        took = time.monotonic() - started
        self._claim(
            f"{when}: the same answers, {len(sent)} objects sent, {took:.1f} s", found == self.expected and sent
        )

    def _score(self, how: str, fault: Fault = healthy) -> None:
        self.relay.fault = fault
        answer = self._run_challenger()
        self.relay.fault = healthy
        results = self._results()
        sessions = sum(each["chunks"] is not None for each in results)
        text = f"{how}: {answer}; {len(results)} results, {sessions} of sessions; {self._waiting()} objects wait"
        self._claim(text, self._waiting() == 0 and sessions)

    def _results(self) -> list[Any]:
        found: list[Any] = self.client.send("GET", f"/v1/domains/{SHADOWED}/shadow")["results"]
        return found

    def _run_challenger(self) -> str:
        """Invokes the challenger, again if the environment turns out to be one that was killed while it was idle."""
        answer = self.running.invoke("shadow_challenger", b"{}").payload.decode()
        again = "Runtime.ExitError" in answer
        return self.running.invoke("shadow_challenger", b"{}").payload.decode() if again else answer

    def _kill(self) -> None:
        """Kills the challenger between taking out audio and storing its result, while people call."""
        self.offered.clear()
        before = {each["decision_id"] for each in self._results()}
        self._expect("before the challenger is killed", healthy)
        work = self.running.functions["shadow_challenger"].submit(b"{}")
        self._same("while it is killed", partial(self._killing, []))
        killed = b"Runtime.ExitError" in work.result().payload
        self._same("after it was killed", healthy)
        self._claim(f"it was killed at work; {self._waiting()} objects wait for another", killed and self._waiting())
        self._run_challenger()
        compared = {each["decision_id"] for each in self._results()} - before
        # Of a session that was not sent whole nothing is compared.
        lost = {name for name, objects in self.offered.items() if objects in {1, CHUNKS}} - compared
        text = f"another took over: {len(compared)} compared, {len(lost)} lost, {self._waiting()} objects wait"
        self._claim(text, compared and len(lost) == 1 and self._waiting() == 0)

    def _killing(self, deleted: list[str], request: RelayRequest) -> None:
        """Kills the challenger when it deletes audio the second time: what it has read is not scored yet."""
        if request.method == "POST" and "?delete" in request.path and PREFIX.encode() in request.body:
            deleted.append(request.path)
            if len(deleted) == KILLED_AT:
                self._restart("shadow_challenger")

    def _sweep(self) -> None:
        s3 = self.running.emulator.client("s3")
        audio = S3ShadowAudio(s3, self._bucket)
        audio.put(SHADOWED, "forgotten", b"audio")
        ShadowSweep(audio, lambda: datetime.now(UTC) + timedelta(minutes=61)).sweep()
        self._claim(f"swept after an hour: {self._waiting()} objects wait", self._waiting() == 0)

    @property
    def _bucket(self) -> str:
        names: list[str] = [each["Name"] for each in self.running.emulator.client("s3").list_buckets()["Buckets"]]
        return next(name for name in names if "audio" in name)

    def _waiting(self) -> int:
        found = self.running.emulator.client("s3").list_objects_v2(Bucket=self._bucket, Prefix=PREFIX)
        return int(found["KeyCount"])

    def _restart(self, *functions: str) -> None:
        for each in functions:
            for process in self.running.functions[each].processes():
                os.kill(process, signal.SIGKILL)

    def _claim(self, text: str, holds: object) -> None:
        print(f"{'ok' if holds else 'NOT'}  {text}", flush=True)
        if not holds:
            self.failed.append(text)


def _decision(path: str) -> str:
    """Returns the decision that an object is named after: `/<bucket>/shadow/<domain>/<decision>[/<part>]`."""
    return path.partition(f"/{PREFIX}")[2].split("/")[1].partition("?")[0]


def _puts(request: RelayRequest) -> bool:
    return request.method == "PUT" and f"/{PREFIX}" in request.path


def _noted(hits: list[str], fault: Fault, request: RelayRequest) -> RelayAnswer | None:
    if _puts(request):
        hits.append(request.path)
    return fault(request)


def _refuses(request: RelayRequest) -> RelayAnswer | None:
    return RelayAnswer(403, b"") if _puts(request) else None


def _tampers(request: RelayRequest) -> RelayAnswer | None:
    return RelayAnswer(200, b"{}") if "calibration.json" in request.path else None


def _slow(request: RelayRequest) -> RelayAnswer | None:
    if _puts(request):
        time.sleep(SLOW_SECONDS)
    return None


def _seen(answer: Mapping[str, Any]) -> Any:
    """Returns an answer without identifiers and times."""
    kept: Callable[[Any], Any] = lambda each: _seen(each) if isinstance(each, dict) else each  # noqa: E731
    return {name: kept(each) for name, each in answer.items() if name not in OWN}


def main() -> int:
    """Runs the command; returns 0 if every claim held."""
    relay = Relay()
    readers = {name: each for name, each in load().items() if len(each.enrollment) > 6.5 * RATE}
    variables = {"AWS_ENDPOINT_URL_S3": relay.endpoint, "BONAFIDE_SHADOW_SHARE": "1"}
    with (
        tempfile.TemporaryDirectory() as folder,
        # Nothing but this invokes the challenger.
        deployment(services=ExtraServices(variables=variables, pause=0.1), pace=1e-4) as running,
        Client(running.endpoint) as client,
    ):
        relay.upstream = running.emulator.endpoint
        registry = ModelRegistry(client)
        digest = registry.register(challenger(Path(folder) / "bundle"), [], "a copy with a stricter calibration")
        registry.challenge(digest, "tried in the shadow")
        trial = ShadowTrial(running, relay, client, dict(sorted(readers.items())[:READERS]))
        trial.play()
    relay.stop()
    return len(trial.failed)


if __name__ == "__main__":
    sys.exit(main())
