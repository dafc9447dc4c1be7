"""Golden calls, and the checks of their answers."""

import math
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bonafide.audio.encoding import Encoding
from bonafide.ports.probes import ApiClient, Document, ProbeResponse
from bonafide.probes.budget import WrongAnswer
from bonafide.probes.golden import CONSENT, SETTINGS, GoldenSetup
from bonafide.services.shared.retries import jittered_pauses

# A new version starts with its first call; a late answer is one that is late every time.
ATTEMPTS = 3
POLLS, POLL_SECONDS = 30, 0.5
# A throttled request had no effect, and is a wrong answer only if it is throttled every time.
TOO_MANY_REQUESTS, REPEATS = 429, 20
# Decisions on an impostor.
NOT_ACCEPTED = ("STEP_UP", "REJECT")


def record_nothing(**_measured: float) -> None:
    """Takes measurements and drops them."""


class GoldenCalls:
    """Calls the API under one speaker's name, so that probes at the same time do not disturb each other."""

    def __init__(
        self,
        golden: GoldenSetup,
        api_client: ApiClient,
        speaker: str,
        *,
        pause: Callable[[float], None] = time.sleep,
        record: Callable[..., None] = record_nothing,
    ) -> None:
        """Stores its dependencies.

        Args:
            golden: to call with.
            api_client: client of the API.
            speaker: to enroll and to claim.
            pause: waits for seconds.
            record: takes measurements by metric name.
        """
        self._golden = golden
        self._api_client = api_client
        self._pause = pause
        self._record = record
        self._speaker = speaker
        self._domain_path = f"/v1/domains/{golden.domain}"
        self._speaker_path = f"{self._domain_path}/speakers/{speaker}"

    def check_health(self) -> None:
        """Checks that the service answers."""
        self._expect("status", self._ask("describe_service", "GET", "/v1/health"), "ok")

    def check_domain(self) -> None:
        """Checks that a domain is written and read back."""
        self._ask("manage_domains", "PUT", self._domain_path, SETTINGS)
        policy = self._ask("manage_domains", "GET", self._domain_path)["policy"]
        self._expect("minimum_enrolment_seconds", policy, SETTINGS["policy"]["minimum_enrolment_seconds"])

    def check_enrollment(self) -> None:
        """Checks that a new speaker is enrolled, and accepted."""
        self.enroll()
        self.authenticate("genuine", "ACCEPT")

    def check_authentication(self) -> None:
        """Checks that the speaker is accepted, an impostor is not, and silence decides nothing."""
        self.enroll()
        self.authenticate("genuine", "ACCEPT")
        self.authenticate("impostor", *NOT_ACCEPTED)
        self.authenticate("silence", "INCONCLUSIVE")

    def check_speaker(self) -> None:
        """Checks that an enrolled speaker is read, listed, and opted out."""
        self.enroll()
        self._expect("status", self._ask("manage_speakers", "GET", self._speaker_path), "ENROLLED")
        self._ask("manage_speakers", "GET", f"{self._domain_path}/speakers?limit=1")
        self._expect("status", self._ask("manage_speakers", "POST", f"{self._speaker_path}/opt-out"), "OPTED_OUT")

    def check_decision(self) -> None:
        """Checks that a decision is read back, and listed."""
        self.enroll()
        path = f"{self._domain_path}/decisions"
        made = self._authentication("genuine").get("decision_id")
        self._expect_decision(self._ask("read_decisions", "GET", f"{path}/{made}"), "ACCEPT")
        # The index is up to date a moment later.
        self._ask("read_decisions", "GET", f"{path}?limit=1&speaker={self._speaker}")

    def check_outcome(self) -> None:
        """Checks that an outcome is stated, and is in force."""
        self.enroll()
        made = self._authentication("genuine").get("decision_id")
        path = f"{self._domain_path}/decisions/{made}/outcome"
        answer = self._ask("report_outcomes", "POST", path, {"label": "genuine"})
        self._expect("label", answer.get("outcome", {}), "genuine")

    def check_watchlist(self) -> None:
        """Checks that a fraudster is registered, and removed."""
        self.check_domain()
        name = uuid.uuid4().hex
        body = {"audio": self._golden.audio("impostor"), "legal_basis": "golden-call", "reason": "golden call"}
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        path = f"{self._domain_path}/watchlists/golden/fraudsters/{name}"
        answer = self._ask("manage_watchlists", "PUT", path, {**body, "expires_at": until})
        self._expect("fraudster", answer, name)
        self._ask("manage_watchlists", "DELETE", path, statuses=(204, 404))

    def check_session(self) -> None:
        """Checks that a session is started, claimed, and evaluated before it has audio."""
        self.enroll()
        session = self._start()
        self._ask("manage_sessions", "PUT", f"{session}/speaker", {"speaker": self._speaker})
        self._expect("status", self._ask("manage_sessions", "GET", session), "OPEN")
        self._expect_decision(self._evaluate(session), "INCONCLUSIVE")

    def check_stream(self) -> None:
        """Checks that the speaker is accepted in a session."""
        self.enroll()
        self.stream_audio("genuine", "ACCEPT")

    def check_policy(self) -> None:
        """Checks that the policy of the domain is read as decisions name it."""
        self.check_domain()
        found = self._ask("manage_policies", "GET", f"{self._domain_path}/policies?limit=1")["policies"]
        policy = found[0]["policy"] if found else {}
        self._expect("minimum_enrolment_seconds", policy, SETTINGS["policy"]["minimum_enrolment_seconds"])

    def check_deletion(self) -> None:
        """Checks that the speaker can be deleted."""
        self._ask("manage_speakers", "DELETE", self._speaker_path, statuses=(204, 404))

    def enroll(self) -> str:
        """Enrolls the speaker anew; returns the status, which is the right one."""
        self.check_domain()
        self.check_deletion()
        body = {"audio": self._golden.audio("enrollment"), "consent": CONSENT}
        answer = self._ask("enroll_speaker", "POST", f"{self._speaker_path}/enrollments", body)
        return self._expect("status", answer, "ENROLLED")

    def authenticate(self, recording: str, *right: str) -> str:
        """Authenticates with a recording; returns the decision, which is one of the right ones."""
        return self._expect_decision(self._authentication(recording), *right)

    def stream_audio(self, recording: str, *right: str) -> str:
        """Streams a recording into a session; returns the final decision, which is one of the right ones."""
        session = self._start()
        self._ask("ingest_audio", "PUT", f"{session}/audio/0", {"content": self._golden.content(recording)})
        self._ask("ingest_audio", "POST", f"{session}/end", {"chunks": 1})
        return self._expect_decision(self._wait_for_decision(session), *right)

    def _authentication(self, recording: str) -> Document:
        body = {"audio": self._golden.audio(recording)}
        return self._ask("authenticate_caller", "POST", f"{self._speaker_path}/authentications", body)

    def _start(self) -> str:
        body = {"speaker": self._speaker, "format": {"encoding": Encoding.WAV}}
        answer = self._ask("manage_sessions", "POST", f"{self._domain_path}/sessions", body)
        return f"{self._domain_path}/sessions/{answer['session_id']}"

    def _evaluate(self, session: str) -> Document:
        return self._ask("manage_sessions", "GET", f"{session}/evaluation")

    def _wait_for_decision(self, session: str) -> Document:
        for _ in range(POLLS):
            answer = self._evaluate(session)
            if answer["decision_id"]:
                return answer
            self._pause(POLL_SECONDS)
        self._record(ProbeFailures=1)
        raise WrongAnswer("a session has no final decision")

    def _ask(
        self, function: str, method: str, path: str, body: Document | None = None, statuses: tuple[int, ...] = (200,)
    ) -> Document:
        def send() -> ProbeResponse:
            for pause in jittered_pauses(REPEATS):
                response = self._api_client.send(function, method, path, body)
                if response.status != TOO_MANY_REQUESTS:
                    return response
                pause()
            return self._api_client.send(function, method, path, body)

        return self._measured(function, f"{method} of {function}", send, statuses)

    def _measured(
        self, function: str, what: str, send: Callable[[], ProbeResponse], statuses: tuple[int, ...]
    ) -> Document:
        response = self._fastest(function, send, statuses)
        late = response.milliseconds > self._golden.bounds_ms.get(function, math.inf)
        wrong = response.status not in statuses
        self._record(ProbeFailures=late or wrong, ProbeLatency=response.milliseconds)
        if wrong:
            raise WrongAnswer(f"{what} answers {response.status} {response.document.get('code', '')}")
        if late:
            raise WrongAnswer(f"{what} takes {response.milliseconds:.0f} ms")
        return response.document

    def _fastest(self, function: str, send: Callable[[], ProbeResponse], statuses: tuple[int, ...]) -> ProbeResponse:
        response = send()
        for _ in range(ATTEMPTS - 1):
            in_time = response.milliseconds <= self._golden.bounds_ms.get(function, math.inf)
            if response.status not in statuses or in_time:
                break
            response = send()
        return response

    def _expect_decision(self, document: Mapping[str, Any], *right: str) -> str:
        """Expects a decision, and takes one that only a brake lowered for the ACCEPT that it would have been.

        The release that ends the reason for a brake has to pass its golden calls while the brake is on.
        """
        without_brake = {"decision": "ACCEPT"} if "BRAKE_ON" in document.get("reasons", ()) else {}
        return self._expect("decision", {**document, **without_brake}, *right)

    def _expect(self, name: str, document: Mapping[str, Any], *right: Any) -> str:
        if (found := document.get(name)) not in right:
            self._record(ProbeFailures=1)
            raise WrongAnswer(f"{name} is {found}, not {' or '.join(map(str, right))}")
        return str(found)
