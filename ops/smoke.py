"""Calls a deployment as a contact centre would, and says whether it decides: `python -m ops.smoke --stage S`.

In a domain of its own, which it deletes at the end: enrols one person and holds a genuine call, an impostor's and a
streamed one against them. With a stage it asks CloudFormation where the API is; requests to AWS are signed.
"""

import argparse
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from layers.golden.readers import Reader, load, wav
from local.demo.client import audio, consent
from local.demo.script import SETTINGS
from local.stream.call import StreamedSession
from local.stream.client import Client, GaveUpError, RefusedError
from local.stream.recording import SourceRecording

NEVER = ("STEP_UP", "REJECT")


class NotDeployedError(Exception):
    """The stage has no API."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried.

    Attributes:
        what: was tried.
        got: the decision or state that came back.
        wanted: those that are right.
        seconds: as a caller waited.
    """

    what: str
    got: str
    wanted: Sequence[str]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether what came back is right."""
        return self.got in self.wanted


@dataclass(frozen=True, slots=True)
class Smoke:
    """Three calls against one person, in one domain of one deployment."""

    client: Client
    endpoint: str
    domain: str
    person: Reader
    other: Reader

    def checks(self) -> Iterator[Check]:
        """Tries one thing after the other."""
        yield self._timed("a reader enrols", self._enrol, ("ENROLLED",))
        yield self._timed("the reader calls", lambda: self._authenticate(self.person), ("ACCEPT",))
        yield self._timed("another reader calls instead", lambda: self._authenticate(self.other), NEVER)
        yield self._timed("the reader calls, streamed", self._stream, ("ACCEPT",))

    def _timed(self, what: str, run: Callable[[], str], wanted: Sequence[str]) -> Check:
        started = time.monotonic()
        try:
            got = run()
        except (GaveUpError, RefusedError) as error:
            got = str(error)
        return Check(what, got, wanted, time.monotonic() - started)

    def _enrol(self) -> str:
        body = {"consent": consent("smoke"), "audio": audio(wav(self.person.enrollment))}
        return str(self.client.send("POST", f"{self._speaker}/enrollments", body)["status"])

    def _authenticate(self, caller: Reader) -> str:
        body = {"audio": audio(wav(caller.call))}
        return str(self.client.send("POST", f"{self._speaker}/authentications", body)["decision"])

    def _stream(self) -> str:
        call = StreamedSession(
            self.endpoint, self.domain, self.person.name, SourceRecording.read(wav(self.person.call), None)
        )
        *_, last = call.play(speed=0)
        return str(last.evaluation["decision"])

    @property
    def _speaker(self) -> str:
        return f"/v1/domains/{self.domain}/speakers/{self.person.name}"


def main() -> int:
    """The command; 0 if every check passed."""
    parser = argparse.ArgumentParser(description="Call a deployment and see whether it decides as it should.")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--endpoint", help="URL of the API's stage")
    target.add_argument("--stage", help="one of cdk.json, in the account and region of the environment")
    arguments = parser.parse_args()
    try:
        return smoke(arguments.endpoint or endpoint_of(arguments.stage))
    except (NotDeployedError, GaveUpError, RefusedError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1


def smoke(endpoint: str) -> int:
    """Prints a line for each check; returns how many failed."""
    with _smoke(endpoint) as each:
        results = list(_printed(each.checks()))
    failed = sum(not check.passed for check in results)
    print(f"{endpoint}: {len(results) - failed} of {len(results)} as they should be")
    return failed


def _printed(checks: Iterator[Check]) -> Iterator[Check]:
    for check in checks:
        mark = "ok    " if check.passed else f"FAILED (not {' or '.join(check.wanted)})"
        print(f"{mark} {check.what}: {check.got}, {check.seconds:.1f} s", flush=True)
        yield check


@contextmanager
def _smoke(endpoint: str) -> Iterator[Smoke]:
    """A domain that is there for as long as the context."""
    person, other = sorted(load().values(), key=lambda reader: -len(reader.enrollment))[:2]
    client, domain = Client(endpoint), f"smoke-{uuid.uuid4().hex[:12]}"
    client.send("PUT", f"/v1/domains/{domain}", SETTINGS)
    try:
        yield Smoke(client, endpoint, domain, person, other)
    finally:
        client.send("DELETE", f"/v1/domains/{domain}?force=true")
        client.close()


def endpoint_of(stage: str) -> str:
    """URL of a stage's API, out of the outputs of its stack.

    Raises:
        NotDeployedError: the stack has no such output.
    """
    name = f"Bonafide-{stage}-Service"
    stacks = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    urls = [output["OutputValue"] for stack in stacks for output in stack.get("Outputs", [])]
    for url in urls:
        if ".execute-api." in url:
            return url.rstrip("/")
    raise NotDeployedError(f"{name} names no API among its outputs")


if __name__ == "__main__":
    sys.exit(main())
