"""Golden calls: questions whose right answer is known, asked of a new version or of the service as a whole."""

import base64
import math
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bonafide.contracts import Encoding
from bonafide.events import chunk_event
from bonafide.observability import log_unexpected, logger, measurements
from bonafide.ports import BackDoor, Document, Door, Releases, Reply
from bonafide.services.clock import jittered_pauses

# The recordings are short, so the probes' tenant asks for less speech than by default.
SETTINGS: Document = {"policy": {"minimum_enrolment_seconds": 6}}
CONSENT: Document = {"receipt_id": "golden", "given_at": "2026-01-01T00:00:00+00:00"}
# A new version starts with its first call; a late answer is one that is late every time.
ATTEMPTS = 3
POLLS, POLL_SECONDS = 30, 0.5
# A request that is refused for want of room had no effect, and is no wrong answer unless there is never room.
TOO_MANY, REPEATS = 429, 20

NEVER = ("STEP_UP", "REJECT")


class WrongAnswer(Exception):
    """A golden call was answered wrongly, late or not at all."""


@dataclass(frozen=True, slots=True)
class Golden:
    """What probes have to call with.

    Attributes:
        domain: the probes' tenant, whose decisions count in no statistic of callers.
        recordings: WAV files `enrolment`, `genuine`, `impostor` and `silence`.
        bounds_ms: how long an answer may take, by function; others may take any time.
    """

    domain: str
    recordings: Mapping[str, bytes]
    bounds_ms: Mapping[str, float]

    def audio(self, name: str) -> Document:
        """A recording inside a request."""
        return {"content": self.content(name), "encoding": Encoding.WAV}

    def content(self, name: str) -> str:
        """A recording in base64."""
        return base64.b64encode(self.recordings[name]).decode()


class GoldenCalls:
    """Asks as callers do, under one speaker's name, so that probes at the same time do not disturb each other."""

    def __init__(self, golden: Golden, door: Door, speaker: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._golden = golden
        self._door = door
        self._pause = pause
        self._speaker = speaker
        self._domain_path = f"/v1/domains/{golden.domain}"
        self._speaker_path = f"{self._domain_path}/speakers/{speaker}"

    def describe(self) -> None:
        """The service says that it lives."""
        self._expect("status", self._ask("describe_service", "GET", "/v1/health"), "ok")

    def domain(self) -> None:
        """A tenant is written and read back."""
        self._ask("manage_domains", "PUT", self._domain_path, SETTINGS)
        policy = self._ask("manage_domains", "GET", self._domain_path)["policy"]
        self._expect("minimum_enrolment_seconds", policy, SETTINGS["policy"]["minimum_enrolment_seconds"])

    def enrolment(self) -> None:
        """Somebody new is enrolled, and recognised."""
        self._enrol()
        self._authenticate("genuine", "ACCEPT")

    def authentication(self) -> None:
        """The person is accepted, a stranger is not, and silence decides nothing."""
        self._enrol()
        self._authenticate("genuine", "ACCEPT")
        self._authenticate("impostor", *NEVER)
        self._authenticate("silence", "INCONCLUSIVE")

    def speaker(self) -> None:
        """Somebody enrolled is read, listed, and opted out."""
        self._enrol()
        self._expect("status", self._ask("manage_speakers", "GET", self._speaker_path), "ENROLLED")
        self._ask("manage_speakers", "GET", f"{self._domain_path}/speakers?limit=1")
        self._expect("status", self._ask("manage_speakers", "POST", f"{self._speaker_path}/opt-out"), "OPTED_OUT")

    def session(self) -> None:
        """A call is started, claimed and evaluated before anything was said."""
        self._enrol()
        session = self._start()
        self._ask("manage_sessions", "PUT", f"{session}/speaker", {"speaker": self._speaker})
        self._expect("status", self._ask("manage_sessions", "GET", session), "OPEN")
        self._expect("decision", self._evaluate(session), "INCONCLUSIVE")

    def stream(self) -> None:
        """A streamed call is accepted once its audio is scored."""
        self._enrol()
        session = self._start()
        self._ask("ingest_audio", "PUT", f"{session}/audio/0", {"content": self._golden.content("genuine")})
        self._ask("ingest_audio", "POST", f"{session}/end", {"chunks": 1})
        self._expect("decision", self._final(session), "ACCEPT")

    def departure(self) -> None:
        """The speaker is forgotten."""
        self._ask("manage_speakers", "DELETE", self._speaker_path, statuses=(204, 404))

    def _enrol(self) -> None:
        self.domain()
        self.departure()
        body = {"audio": self._golden.audio("enrolment"), "consent": CONSENT}
        answer = self._ask("enroll_speaker", "POST", f"{self._speaker_path}/enrollments", body)
        self._expect("status", answer, "ENROLLED")

    def _authenticate(self, recording: str, *right: str) -> None:
        body = {"audio": self._golden.audio(recording)}
        answer = self._ask("authenticate_caller", "POST", f"{self._speaker_path}/authentications", body)
        self._expect("decision", answer, *right)

    def _start(self) -> str:
        body = {"speaker": self._speaker, "format": {"encoding": Encoding.WAV}}
        answer = self._ask("manage_sessions", "POST", f"{self._domain_path}/sessions", body)
        return f"{self._domain_path}/sessions/{answer['session_id']}"

    def _evaluate(self, session: str) -> Document:
        return self._ask("manage_sessions", "GET", f"{session}/evaluation")

    def _final(self, session: str) -> Document:
        for _ in range(POLLS):
            answer = self._evaluate(session)
            if answer["decision_id"]:
                return answer
            self._pause(POLL_SECONDS)
        raise WrongAnswer("a streamed call has no final decision")

    def _ask(
        self, function: str, method: str, path: str, body: Document | None = None, statuses: tuple[int, ...] = (200,)
    ) -> Document:
        def send() -> Reply:
            for pause in jittered_pauses(REPEATS):
                reply = self._door.send(function, method, path, body)
                if reply.status != TOO_MANY:
                    return reply
                pause()
            return self._door.send(function, method, path, body)

        return self._measured(function, f"{method} of {function}", send, statuses)

    def _measured(self, function: str, what: str, send: Callable[[], Reply], statuses: tuple[int, ...]) -> Document:
        reply = self._fastest(function, send, statuses)
        late = reply.milliseconds > self._golden.bounds_ms.get(function, math.inf)
        wrong = reply.status not in statuses
        measurements.add(ProbeCalls=1, ProbeFailures=late or wrong, ProbeLatency=reply.milliseconds)
        if wrong:
            raise WrongAnswer(f"{what} answers {reply.status} {reply.document.get('code', '')}")
        if late:
            raise WrongAnswer(f"{what} takes {reply.milliseconds:.0f} ms")
        return reply.document

    def _fastest(self, function: str, send: Callable[[], Reply], statuses: tuple[int, ...]) -> Reply:
        reply = send()
        for _ in range(ATTEMPTS - 1):
            if reply.status not in statuses or reply.milliseconds <= self._golden.bounds_ms.get(function, math.inf):
                break
            reply = send()
        return reply

    @staticmethod
    def _expect(name: str, document: Mapping[str, Any], *right: Any) -> None:
        if (found := document.get(name)) not in right:
            measurements.add(ProbeFailures=1)
            raise WrongAnswer(f"{name} is {found}, not {' or '.join(map(str, right))}")


class FunctionCalls(GoldenCalls):
    """Asks each function what exercises it, also those that no request leads to."""

    def __init__(
        self, golden: Golden, door: BackDoor, speaker: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(golden, door, speaker, pause)
        self._back = door

    def of(self, function: str) -> None:
        """Asks what exercises one function.

        Raises:
            WrongAnswer: an answer is not the right one.
        """
        CHECKS[function](self)

    def scoring(self) -> None:
        """A record of the stream becomes evidence that a decision stands on."""
        self._enrol()
        session = self._start()
        event = chunk_event(self._golden.domain, session.rpartition("/")[2], 0, self._golden.content("genuine"))
        self._expect("batchItemFailures", self._invoke("score_audio", {"Records": [_record(event)]}), [])
        self._expect("decision", self._evaluate(session), "ACCEPT")

    def closing(self) -> None:
        """Overdue calls are looked for."""
        if not isinstance(self._invoke("close_sessions", {}).get("closed"), int):
            raise WrongAnswer("close_sessions does not say how many calls it closed")

    def _invoke(self, function: str, event: Document) -> Document:
        return self._measured(function, function, lambda: self._back.invoke(function, event), (200,))


CHECKS: Mapping[str, Callable[[FunctionCalls], None]] = {
    "authenticate_caller": GoldenCalls.authentication,
    "close_sessions": FunctionCalls.closing,
    "describe_service": GoldenCalls.describe,
    "enroll_speaker": GoldenCalls.enrolment,
    "ingest_audio": GoldenCalls.stream,
    "manage_domains": GoldenCalls.domain,
    "manage_sessions": GoldenCalls.session,
    "manage_speakers": GoldenCalls.speaker,
    "score_audio": FunctionCalls.scoring,
}


class ReleaseProbe:
    """Asks golden calls of a version that is being released, and tells the release whether it may go on."""

    def __init__(self, golden: Golden, releases: Releases, functions: Mapping[str, str]) -> None:
        """Takes its parts.

        Args:
            golden: what to call with.
            releases: what is being released.
            functions: names in AWS by folder.
        """
        self._golden = golden
        self._releases = releases
        self._folders = {name: folder for folder, name in functions.items()}

    def handle(self, event: Mapping[str, str]) -> None:
        """Takes CodeDeploy's call of its hook; whatever goes wrong is reported as a failure of the version."""
        deployment, execution = event["DeploymentId"], event["LifecycleEventHookExecutionId"]
        self._releases.report(deployment, execution, succeeded=self._holds(deployment))

    def _holds(self, deployment: str) -> bool:
        try:
            target = self._releases.target(deployment)
            function = self._folders[target.function]
            door = self._releases.door(function, target.version)
            FunctionCalls(self._golden, door, f"golden-{function}").of(function)
        except WrongAnswer as wrong:
            logger.error("golden calls failed", extra={"deployment": deployment, "answer": str(wrong)})
            return False
        except Exception as error:
            log_unexpected(error)
            return False
        return True


class ServiceProbe:
    """The synthetic caller: asks through the front door, as callers do."""

    def __init__(self, golden: Golden, door: Door) -> None:
        self._golden = golden
        self._door = door

    def handle(self) -> dict[str, int]:
        """Asks everything, whatever fails of it; returns how many checks failed."""
        # By a name of its own: where two runs meet, one must not delete the speaker of the other.
        calls = GoldenCalls(self._golden, self._door, f"golden-{uuid.uuid4().hex}")
        checks = (calls.describe, calls.authentication, calls.stream, calls.departure)
        return {"failed": sum(not self._holds(check) for check in checks)}

    def _holds(self, check: Callable[[], None]) -> bool:
        try:
            check()
        except WrongAnswer as wrong:
            logger.error("golden calls failed", extra={"check": check.__name__, "answer": str(wrong)})
            return False
        return True


def _record(event: bytes) -> Document:
    """A record as Kinesis hands it to a function."""
    return {
        "eventID": f"probe:{uuid.uuid4().hex}",
        "eventSource": "aws:kinesis",
        "eventSourceARN": "arn:aws:kinesis:probe",
        "kinesis": {
            "partitionKey": "probe",
            "sequenceNumber": "0",
            "data": base64.b64encode(event).decode(),
            "approximateArrivalTimestamp": time.time(),
        },
    }
