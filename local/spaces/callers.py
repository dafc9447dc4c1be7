"""People who enroll and call while a deployment moves to another embedding space, and what they were answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bonafide_client import ApiResponse, Client
from layers.golden.readers import RATE, Reader
from local.rehearse.traffic import POLICY, CallMix, RecordedCall

KEPT, UNKEPT = "audio-kept", "audio-not-kept"
MIX = CallMix((KEPT, UNKEPT), impostors=15, long=0, short_seconds=5)
MOST_READERS = 6


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """The answer to one call.

    Attributes:
        phase: of the release when it came.
        domain: that was called.
        genuine: whether the claimed speaker spoke.
        status: of HTTP.
        decision: or the problem's code.
        bundle: digest of the bundle that decided, if any.
        milliseconds: until it came.
    """

    phase: str
    domain: str
    genuine: bool
    status: int
    decision: str
    bundle: str
    milliseconds: float


@dataclass
class CallLog:
    """Answers to calls, by the phase of the move.

    Attributes:
        phase: of the release, for the answers to come.
        answers: so far.
    """

    phase: str = "enrolled"
    answers: list[CallAnswer] = field(default_factory=list)

    def take(self, call: RecordedCall, answer: ApiResponse, seconds: float) -> None:
        """Takes an answer."""
        document: Any = answer.document if isinstance(answer.document, dict) else {}
        told = str(document.get("decision") or document.get("code") or answer.status)
        bundle = str(document.get("bundle", ""))
        self.answers.append(
            CallAnswer(self.phase, call.domain, call.genuine, answer.status, told, bundle, seconds * 1000)
        )


def enrollable(client: Client, readers: Mapping[str, Reader]) -> Mapping[str, Reader]:
    """Creates the domains; returns the readers who have enough speech to be enrolled and to call."""
    for domain, keep in ((KEPT, True), (UNKEPT, False)):
        client.put_domain(domain, policy=POLICY, retention={"keep_audio": keep, "decision_days": 30, "replay_days": 0})
    enough = POLICY["minimum_enrolment_seconds"] * 1.2 * RATE
    chosen = [name for name, each in readers.items() if len(each.enrollment) > enough]
    return {name: readers[name] for name in chosen[:MOST_READERS]}


def refusals(answers: Sequence[CallAnswer]) -> list[CallAnswer]:
    """Returns the answers that are no decision: conflicts, failures and whatever is no answer at all."""
    return [each for each in answers if each.status != 200]
