"""Golden calls of single functions, also of those that answer no request."""

import base64
import time
import uuid
from collections.abc import Callable, Mapping

from bonafide.contracts.events import write
from bonafide.ports.probes import Document, FunctionInvoker
from bonafide.probes.budget import WrongAnswer
from bonafide.probes.calls import GoldenCalls, record_nothing
from bonafide.probes.golden import GoldenSetup
from bonafide.records.stream import ChunkRecord


class FunctionCalls(GoldenCalls):
    """Calls each function with what exercises it, also those that answer no request."""

    def __init__(
        self,
        golden: GoldenSetup,
        invoker: FunctionInvoker,
        speaker: str,
        *,
        pause: Callable[[float], None] = time.sleep,
        record: Callable[..., None] = record_nothing,
    ) -> None:
        """Stores its dependencies; see `GoldenCalls`."""
        super().__init__(golden, invoker, speaker, pause=pause, record=record)
        self._invoker = invoker

    def check(self, function: str) -> None:
        """Makes the calls that exercise one function.

        Raises:
            WrongAnswer: an answer is not the right one.
        """
        CHECKS[function](self)

    def check_scoring(self) -> None:
        """Checks that a record of the stream becomes evidence that a decision rests on."""
        self.enroll()
        session = self._start()
        name, content = session.rpartition("/")[2], self._golden.content("genuine")
        event = write(ChunkRecord(self._golden.domain, name, 0, base64.b64decode(content)))
        failures = self._invoke("score_audio", {"Records": [_record(event)]})
        self._expect("batchItemFailures", failures, [])
        self._expect_decision(self._evaluate(session), "ACCEPT")

    def check_closing(self) -> None:
        """Checks that overdue sessions are looked for."""
        if not isinstance(self._invoke("close_sessions", {}).get("closed"), int):
            raise WrongAnswer("close_sessions does not say how many sessions it closed")

    def _invoke(self, function: str, event: Document) -> Document:
        return self._measured(function, function, lambda: self._invoker.invoke(function, event), (200,))


CHECKS: Mapping[str, Callable[[FunctionCalls], None]] = {
    "authenticate_caller": GoldenCalls.check_authentication,
    "close_sessions": FunctionCalls.check_closing,
    "describe_service": GoldenCalls.check_health,
    "enroll_speaker": GoldenCalls.check_enrollment,
    "ingest_audio": GoldenCalls.check_stream,
    "manage_domains": GoldenCalls.check_domain,
    "manage_policies": GoldenCalls.check_policy,
    "manage_sessions": GoldenCalls.check_session,
    "manage_speakers": GoldenCalls.check_speaker,
    "manage_watchlists": GoldenCalls.check_watchlist,
    "read_decisions": GoldenCalls.check_decision,
    "report_outcomes": GoldenCalls.check_outcome,
    "score_audio": FunctionCalls.check_scoring,
}


def _record(event: bytes) -> Document:
    """Returns a record as Kinesis hands it to a function."""
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
