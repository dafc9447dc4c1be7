"""Golden calls against a service that answers as it is told."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bonafide.bootstrap.probes import API_SECONDS, INVOKING, REPORTING
from bonafide.contracts.domains import DomainSettings
from bonafide.ports.probes import Document, ProbeResponse, ReleaseTarget
from bonafide.probes import synthetic
from bonafide.probes.budget import WrongAnswer
from bonafide.probes.calls import REPEATS
from bonafide.probes.functions import CHECKS, FunctionCalls
from bonafide.probes.golden import SETTINGS, GoldenSetup
from bonafide.probes.release import RESERVED_SECONDS, ReleaseProbe
from bonafide.probes.synthetic import SECONDS_EACH, SPEAKERS, SyntheticCaller
from stacks.platform.function import HOOK, PROBE

AUDIO = {name: name.encode() for name in ("enrollment", "genuine", "impostor", "silence")}
RIGHT = {"genuine": "ACCEPT", "impostor": "REJECT", "silence": "INCONCLUSIVE"}
BOUND_MS = 100.0


class Service:
    """A service that knows the right answers."""

    def __init__(self, wrong: Mapping[str, Document] | None = None, milliseconds: list[float] | None = None) -> None:
        self.asked: list[tuple[str, str]] = []
        self._milliseconds = milliseconds or [1.0]
        self._wrong = wrong or {}

    def send(self, function: str, method: str, path: str, body: Document | None) -> ProbeResponse:
        self.asked.append((function, f"{method} {path}"))
        status, document = self._answer(function, method, path, body or {})
        wrong = self._wrong.get(function, {})
        return ProbeResponse(wrong.get("http", status), {**document, **wrong}, self._waited())

    def invoke(self, function: str, event: Document) -> ProbeResponse:
        self.asked.append((function, str(len(event))))
        document: Document = {"batchItemFailures": []} if function == "score_audio" else {"closed": 0}
        return ProbeResponse(200, {**document, **self._wrong.get(function, {})}, self._waited())

    def _waited(self) -> float:
        return self._milliseconds.pop(0) if len(self._milliseconds) > 1 else self._milliseconds[0]

    def _answer(self, function: str, method: str, path: str, body: Document) -> tuple[int, Document]:
        if function == "authenticate_caller":
            recordings = {GOLDEN.content(name): decision for name, decision in RIGHT.items()}
            return 200, {"decision": recordings[body["audio"]["content"]], "decision_id": "d"}
        if function == "read_decisions":
            return 200, {"decision": "ACCEPT", "decisions": []}
        if function in {"report_outcomes", "manage_policies", "manage_watchlists"} and method != "DELETE":
            policies = [{"policy": {"minimum_enrolment_seconds": 6}}]
            return 200, {"outcome": body, "fraudster": path.rpartition("/")[2], "policies": policies}
        if function == "manage_sessions":
            ended = ("ingest_audio", "score_audio")
            heard = any(each in ended for each, _ in self.asked)
            decision = "ACCEPT" if heard else "INCONCLUSIVE"
            return 200, {"session_id": "s", "status": "OPEN", "decision": decision, "decision_id": "d"}
        if method == "DELETE":
            return 404, {}
        status = "OPTED_OUT" if path.endswith("opt-out") else "ok" if path == "/v1/health" else "ENROLLED"
        return 200, {"status": status, "policy": {"minimum_enrolment_seconds": 6}}


GOLDEN = GoldenSetup("probe", AUDIO, dict.fromkeys(CHECKS, BOUND_MS))


def ask(service: Service, function: str) -> None:
    FunctionCalls(GOLDEN, service, "golden", pause=lambda _: None).check(function)


@pytest.mark.parametrize("function", CHECKS)
def test_right_answers_pass_and_the_function_itself_is_asked(function: str) -> None:
    service = Service()
    ask(service, function)
    assert function in {each for each, _ in service.asked}


BRAKED = {"decision": "STEP_UP", "reasons": ["VOICE_MATCH", "BRAKE_ON"]}


def test_a_brake_stops_neither_a_release_nor_the_probe() -> None:
    """Golden calls of the speaker are STEP_UP then, and say that they would have been ACCEPT."""
    ask(Service({"read_decisions": BRAKED}), "read_decisions")
    ask(Service({"manage_sessions": BRAKED}), "ingest_audio")


def test_under_a_brake_an_impostor_who_would_be_accepted_is_still_a_wrong_answer() -> None:
    with pytest.raises(WrongAnswer, match="decision is ACCEPT, not STEP_UP or REJECT"):
        ask(Service({"authenticate_caller": BRAKED}), "authenticate_caller")


@pytest.mark.parametrize("function", sorted(set(CHECKS) - {"close_sessions", "score_audio"}))
def test_a_function_that_fails_is_found(function: str) -> None:
    with pytest.raises(WrongAnswer, match=f"of {function} answers 500"):
        ask(Service({function: {"http": 500}}), function)


@pytest.mark.parametrize(
    ("function", "wrong"),
    [
        ("authenticate_caller", {"decision": "ACCEPT"}),
        ("authenticate_caller", {"decision": "REJECT"}),
        ("enroll_speaker", {"status": "PENDING"}),
        ("manage_domains", {"policy": {"minimum_enrolment_seconds": 20}}),
        ("manage_policies", {"policies": []}),
        ("manage_sessions", {"decision": "ACCEPT"}),
        ("manage_speakers", {"status": "ENROLLED"}),
        ("describe_service", {"status": "tired"}),
        ("report_outcomes", {"outcome": {"label": "unknown"}}),
        ("manage_watchlists", {"fraudster": "nobody"}),
        ("score_audio", {"batchItemFailures": [{"itemIdentifier": "0"}]}),
        ("close_sessions", {"closed": None}),
    ],
)
def test_a_polite_wrong_answer_is_found(function: str, wrong: Document) -> None:
    with pytest.raises(WrongAnswer):
        ask(Service({function: wrong}), function)


def test_a_version_that_first_has_to_start_is_asked_again_and_one_that_stays_late_is_found() -> None:
    ask(Service(milliseconds=[5000.0, 5000.0, 1.0]), "describe_service")
    with pytest.raises(WrongAnswer, match="takes 5000 ms"):
        ask(Service(milliseconds=[5000.0]), "describe_service")


class ThrottlingService(Service):
    """Throttles the first requests of one function."""

    def __init__(self, function: str, refusals: int) -> None:
        super().__init__()
        self.refusals = refusals
        self._function = function

    def send(self, function: str, method: str, path: str, body: Document | None) -> ProbeResponse:
        if function == self._function and self.refusals:
            self.refusals -= 1
            return ProbeResponse(429, {"code": "audio_overload"}, 1.0)
        return super().send(function, method, path, body)


def test_a_chunk_that_is_throttled_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    service = ThrottlingService("ingest_audio", REPEATS)
    ask(service, "ingest_audio")
    assert service.refusals == 0


def test_a_service_that_always_throttles_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    service = ThrottlingService("ingest_audio", 1000)
    with pytest.raises(WrongAnswer, match="answers 429 audio_overload"):
        ask(service, "ingest_audio")
    assert service.refusals == 1000 - REPEATS - 1


def test_that_nobody_is_there_to_delete_is_asked_again_too_if_it_is_said_late() -> None:
    # Two requests for the domain come first.
    service = Service(milliseconds=[1, 1, 900, 1])
    ask(service, "enroll_speaker")
    assert len([what for _, what in service.asked if what.startswith("DELETE")]) == 2


def test_a_streamed_call_without_a_final_decision_is_found() -> None:
    with pytest.raises(WrongAnswer, match="no final decision"):
        ask(Service({"manage_sessions": {"decision_id": None}}), "ingest_audio")


class Deployments:
    """One release, of one version."""

    def __init__(self, service: Service, function: str = "describe-1A2B", *, returns: bool = False) -> None:
        self._returns = returns
        self.reports: list[tuple[str, str, bool]] = []
        self.opened: list[tuple[str, str]] = []
        self._service = service
        self._function = function

    def target(self, deployment: str) -> ReleaseTarget:
        if deployment != "d-1":
            raise LookupError(deployment)
        return ReleaseTarget(self._function, "7", self._returns)

    def invoker(self, function: str, version: str) -> Service:
        self.opened.append((function, version))
        return self._service

    def report(self, deployment: str, execution: str, *, succeeded: bool) -> None:
        self.reports.append((deployment, execution, succeeded))


def plenty() -> float:
    return 240.0


def release(
    deployments: Deployments, deployment: str = "d-1", seconds_left: Callable[[], float] = plenty
) -> list[tuple[str, str, bool]]:
    event = {"DeploymentId": deployment, "LifecycleEventHookExecutionId": "e-1"}
    ReleaseProbe(GOLDEN, deployments, {"describe_service": "describe-1A2B"}).handle(event, seconds_left)
    return deployments.reports


def test_the_version_that_is_released_is_the_one_that_is_asked() -> None:
    deployments = Deployments(Service())
    assert release(deployments) == [("d-1", "e-1", True)]
    assert deployments.opened == [("describe_service", "7")]


def test_a_wrong_answer_stops_a_release() -> None:
    assert release(Deployments(Service({"describe_service": {"status": "tired"}}))) == [("d-1", "e-1", False)]


def test_wrong_answers_do_not_keep_the_version_that_failed_from_being_left() -> None:
    deployments = Deployments(Service({"describe_service": {"status": "tired"}}), returns=True)
    assert release(deployments) == [("d-1", "e-1", True)]
    assert deployments.opened == [("describe_service", "7")]


@pytest.mark.parametrize(("deployment", "function"), [("d-2", "describe-1A2B"), ("d-1", "something-else")])
def test_a_release_that_cannot_be_probed_is_stopped(deployment: str, function: str) -> None:
    ((_, _, succeeded),) = release(Deployments(Service(), function), deployment)
    assert not succeeded


def test_a_release_is_stopped_in_time_when_its_calls_take_too_long() -> None:
    service = Service()
    assert release(Deployments(service), seconds_left=lambda: RESERVED_SECONDS - 1) == [("d-1", "e-1", False)]
    assert service.asked == []


def test_the_time_that_the_last_call_takes_does_not_count_against_the_version() -> None:
    left = iter([RESERVED_SECONDS, 0.0])
    assert release(Deployments(Service()), seconds_left=lambda: next(left)) == [("d-1", "e-1", True)]


def test_a_function_past_the_api_is_not_invoked_without_time_either() -> None:
    deployments, service = Deployments(Service(), "close-3C4D"), Service()
    event = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}
    ReleaseProbe(GOLDEN, deployments, {"close_sessions": "close-3C4D"}).handle(event, lambda: 0)
    assert (deployments.reports, service.asked) == ([("d-1", "e-1", False)], [])


def test_the_synthetic_caller_asks_everything_whatever_fails_of_it() -> None:
    service = Service({"describe_service": {"status": "tired"}, "authenticate_caller": {"decision": "REJECT"}})
    assert SyntheticCaller(GOLDEN, service).handle(plenty) == {"failed": 2}
    assert "ingest_audio" in {function for function, _ in service.asked}
    assert SyntheticCaller(GOLDEN, Service()).handle(plenty) == {"failed": 0}


def test_the_synthetic_caller_ends_before_it_is_killed() -> None:
    service = Service()
    assert SyntheticCaller(GOLDEN, service).handle(lambda: 0) == {"failed": 4}
    assert service.asked == []


def speakers(seconds: float) -> set[str]:
    service = Service()
    SyntheticCaller(GOLDEN, service, now=lambda: seconds).handle(plenty)
    return {what.rpartition("/")[2] for function, what in service.asked if what.startswith("DELETE")}


def test_a_later_run_erases_the_speaker_that_a_killed_run_left_behind_and_the_next_one_does_not() -> None:
    (speaker,) = speakers(0)
    assert speakers(SPEAKERS * SECONDS_EACH) == {speaker}
    assert speakers(60) != {speaker}


def test_decisions_of_probes_are_deleted_after_a_day() -> None:
    assert DomainSettings.model_validate(SETTINGS).retention.decision_days == 1


def longest(config: Any) -> float:
    """Seconds that a call of a client may take: its attempts, and the pauses between them, which double from one."""
    attempts = config.retries["total_max_attempts"]
    return float(attempts * (config.connect_timeout + config.read_timeout) + 2 ** (attempts - 1) - 1)


def test_what_is_reserved_is_enough_for_the_last_call_and_the_report() -> None:
    assert longest(INVOKING) + longest(REPORTING) < RESERVED_SECONDS < HOOK.timeout / 2
    assert API_SECONDS < synthetic.RESERVED_SECONDS < PROBE.timeout / 2
