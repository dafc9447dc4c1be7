"""Makes the golden calls to a deployment, as a contact center would: `python -m ops.smoke --stage S`.

Enrolls one person in a domain that it deletes at the end, and authenticates the person, an impostor, and the person in
a session. With a stage it asks CloudFormation for the API's URL; requests to AWS are signed.
"""

import argparse
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.adapters.api import PublicApiClient
from bonafide.probes.budget import WrongAnswer
from bonafide.probes.calls import NOT_ACCEPTED, GoldenCalls
from bonafide.probes.golden import GoldenSetup
from bonafide_client import BonafideClientError, Client
from layers.golden import build as golden
from ops.target import NotDeployedError, add_target, url_of

SPEAKER = "golden"
# Those who make golden calls may create domains whose names begin like that of the probes.
PREFIX = "bonafide-probe-smoke-"


@dataclass(frozen=True, slots=True)
class SmokeCheck:
    """One golden call with its outcome.

    Attributes:
        what: was called.
        got: the right answer, or what is wrong with the answer.
        passed: whether the answer is right.
        seconds: that a caller waited.
    """

    what: str
    got: str
    passed: bool
    seconds: float

    def __str__(self) -> str:
        mark = "ok    " if self.passed else "FAILED"
        return f"{mark} {self.what}: {self.got}, {self.seconds:.1f} s"


def main() -> int:
    """Runs the command; returns 0 if every check passed."""
    parser = argparse.ArgumentParser(description="Call a deployment and see whether it decides as it should.")
    add_target(parser)
    arguments = parser.parse_args()
    try:
        return smoke(url_of(arguments))
    except (NotDeployedError, BonafideClientError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1


def smoke(endpoint: str) -> int:
    """Prints a line for each check; returns how many failed."""
    with _golden_calls(endpoint) as calls:
        results = list(_printed(checks(calls)))
    failed = sum(not check.passed for check in results)
    print(f"{endpoint}: {len(results) - failed} of {len(results)} as they should be")
    return failed


def checks(calls: GoldenCalls) -> Iterator[SmokeCheck]:
    """Makes one golden call after the other."""
    named: Sequence[tuple[str, Callable[[], str]]] = (
        ("a reader enrolls", calls.enroll),
        ("the reader calls", partial(calls.authenticate, "genuine", "ACCEPT")),
        ("another reader calls instead", partial(calls.authenticate, "impostor", *NOT_ACCEPTED)),
        ("the reader calls, streamed", partial(calls.stream_audio, "genuine", "ACCEPT")),
    )
    for what, call in named:
        started = time.monotonic()
        try:
            got, passed = call(), True
        except WrongAnswer as wrong:
            got, passed = str(wrong), False
        yield SmokeCheck(what, got, passed, time.monotonic() - started)


def _printed(results: Iterator[SmokeCheck]) -> Iterator[SmokeCheck]:
    for check in results:
        print(check, flush=True)
        yield check


@contextmanager
def _golden_calls(endpoint: str) -> Iterator[GoldenCalls]:
    """Golden calls in a domain that exists for as long as the context."""
    golden.build()
    recordings = {path.stem: path.read_bytes() for path in (golden.OUT / golden.RECORDINGS).glob("*.wav")}
    domain = f"{PREFIX}{uuid.uuid4().hex[:12]}"
    with Client(endpoint) as client:
        client.put_domain(domain)
        try:
            yield GoldenCalls(GoldenSetup(domain, recordings, {}), PublicApiClient(client), SPEAKER)
        finally:
            client.delete_domain(domain, force=True)


if __name__ == "__main__":
    sys.exit(main())
