"""Who calls, how, and what has to come of it: the demo as data."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bonafide.audio.waveform import Samples, Waveform
from local.demo import machines
from local.demo.client import Document, audio, consent
from local.demo.readers import RATE, Reader, wav
from training.corpus.telephone import telephone

type Send = Callable[[Samples], bytes]

OFFICE, PHONE = "demo-office", "demo-phone"
# The recordings are short, so these tenants ask for less speech than the default of 20 seconds. Costs are the defaults.
SETTINGS: Document = {"policy": {"minimum_enrolment_seconds": 6}}
IMPOSTORS_EACH = 3


class Action(StrEnum):
    """What is asked of the API; the end of the path."""

    ENROL = "enrollments"
    CALL = "authentications"
    OPT_OUT = "opt-out"


class Machine(StrEnum):
    """What kind of machine calls; none, of people."""

    SPEECH = "text to speech"
    CLONE = "clone"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What has to come back.

    Attributes:
        outcomes: acceptable decisions, states of the speaker, or codes of problems.
        reasons: one of which has to be given, if any.
    """

    outcomes: tuple[str, ...]
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        because = f" because of {' or '.join(self.reasons)}" if self.reasons else ""
        return " or ".join(self.outcomes) + because


ENROLLED = Expectation(("ENROLLED",))
# The voice has to be known again. The detector of synthetic speech doubts some people: that may cost one more proof.
GENUINE = Expectation(("ACCEPT", "STEP_UP"), ("VOICE_MATCH",))
# Over another channel than the enrolment's, asking for one more proof is right; turning the caller away is not.
GENUINE_ELSEWHERE = Expectation(("ACCEPT", "STEP_UP"))
IMPOSTOR = Expectation(("REJECT", "STEP_UP"))
# The detector misses some clones: the report counts those that were accepted, and hides none.
# What fails the demo is one of a family that it finds.
CLONE = Expectation(("ACCEPT", "REJECT", "STEP_UP"))
CLONE_FOUND = Expectation(("REJECT", "STEP_UP"))
ALWAYS_FOUND = frozenset({"lpc"})


@dataclass(frozen=True, slots=True)
class Step:
    """One request.

    Attributes:
        kind: the situation, for people.
        claimed: the speaker that the request names.
        spoke: whose voice it is, or what machine's.
        expected: what has to come of it.
        content: the recording, as it is sent.
        machine: its kind, if one spoke.
    """

    kind: str
    claimed: str
    spoke: str
    expected: Expectation
    content: bytes = b""
    action: Action = Action.CALL
    domain: str = OFFICE
    machine: Machine | None = None

    @property
    def path(self) -> str:
        """Where the request goes."""
        return f"/v1/domains/{self.domain}/speakers/{self.claimed}/{self.action}"

    def body(self) -> Document | None:
        """What the request says."""
        if self.action is Action.OPT_OUT:
            return None
        receipt = {"consent": consent(f"demo-{self.claimed}")} if self.action is Action.ENROL else {}
        return {"audio": audio(self.content), **receipt}


def script(readers: Mapping[str, Reader]) -> Iterator[tuple[str, Iterator[Step]]]:
    """Headings, each with its steps, in order."""
    brief = min(readers.values(), key=lambda reader: len(reader.enrolment))
    people = [reader for reader in readers.values() if reader is not brief]
    yield "Enrolled with the first passages of each reader, 16 kHz", _enrol(people, OFFICE, wav)
    yield "Too little, or not good enough to enrol", _refused_enrolments(brief, people[0])
    yield "Genuine: the reader's last passage", _genuine(people, GENUINE, "genuine", OFFICE, wav)
    yield "Impostors: someone else's last passage", _impostors([*people, brief], people, IMPOSTORS_EACH, OFFICE, wav)
    yield (
        "Genuine: enrolled at 16 kHz, calling by telephone",
        _genuine(people, GENUINE_ELSEWHERE, "genuine, telephone", OFFICE, line),
    )
    yield "Impostors: enrolled at 16 kHz, calling by telephone", _impostors(people, people, 1, OFFICE, line)
    yield "Enrolled by telephone", _enrol(people, PHONE, line)
    yield "Genuine: enrolled and calling by telephone", _genuine(people, GENUINE, "genuine", PHONE, line)
    yield (
        "Genuine: enrolled by telephone, calling at 16 kHz",
        _genuine(people, GENUINE_ELSEWHERE, "genuine, 16 kHz", PHONE, wav),
    )
    yield "Impostors: enrolled and calling by telephone", _impostors(people, people, 2, PHONE, line)
    yield from _synthetic(people)
    yield "Bad lines", _bad_lines(people[0])
    yield "Nothing to decide on", _unusable(people[0], brief)
    yield "Leaving", _leaving(people[1])


def line(samples: Samples) -> bytes:
    """What arrives of speech over a telephone, as a file."""
    received = telephone(Waveform(samples, RATE))
    return wav(received.samples, rate=received.rate)


def overdriven(samples: Samples) -> Samples:
    """As a badly set converter delivers it: the loud half cut off flat."""
    return np.asarray(np.clip(20 * samples, -0.999, 0.999), np.float32)


def noisy(samples: Samples) -> Samples:
    """After half a second of waiting, speech as loud as the noise around it."""
    waited = np.concatenate([np.zeros(RATE // 2, np.float32), samples])
    noise = np.random.default_rng(0).standard_normal(len(waited)).astype(np.float32)
    return np.asarray(waited + noise * np.sqrt(np.mean(np.square(samples))), np.float32)


def _enrol(people: Sequence[Reader], domain: str, send: Send) -> Iterator[Step]:
    for person in people:
        kind = f"enrol, {len(person.clips) - 1} passage{'s' * (len(person.clips) > 2)}"
        yield Step(kind, person.name, person.name, ENROLLED, send(person.enrolment), Action.ENROL, domain)


def _refused_enrolments(brief: Reader, clipped: Reader) -> Iterator[Step]:
    def step(kind: str, reader: Reader, samples: Samples, outcome: str) -> Step:
        return Step(kind, brief.name, reader.name, Expectation((outcome,)), wav(samples), Action.ENROL)

    yield step("enrol, too short", brief, brief.enrolment, "PENDING")
    yield step("enrol, overdriven", clipped, overdriven(clipped.enrolment), "audio_clipped")
    yield step("enrol, silence", brief, np.zeros_like(brief.enrolment), "audio_no_speech")


def _genuine(people: Sequence[Reader], expected: Expectation, kind: str, domain: str, send: Send) -> Iterator[Step]:
    for person in people:
        yield Step(kind, person.name, person.name, expected, send(person.call), domain=domain)


def _impostors(
    callers: Sequence[Reader], people: Sequence[Reader], each: int, domain: str, send: Send
) -> Iterator[Step]:
    """Every person is claimed by `each` others, and every caller claims about as many."""
    for i, person in enumerate(people):
        for j in range(each):
            caller = callers[(i + 1 + j * (len(callers) - 1) // each) % len(callers)]
            yield Step("impostor", person.name, caller.name, IMPOSTOR, send(caller.call), domain=domain)


def _synthetic(people: Sequence[Reader]) -> Iterator[tuple[str, Iterator[Step]]]:
    """Machines, each claiming somebody; a clone of a person's last passage claims that person."""
    clones = [(person, name, machines.copy(name, person.call)) for person in people for name in machines.COPIERS]
    yield "Synthetic: text to speech in a voice of its own, 16 kHz", _speakers(people, OFFICE, wav)
    yield "Synthetic: text to speech in a voice of its own, by telephone", _speakers(people, PHONE, line)
    yield "Synthetic: perfect clones of whoever is claimed, 16 kHz", _clones(clones, OFFICE, wav)
    yield "Synthetic: perfect clones of whoever is claimed, by telephone", _clones(clones, PHONE, line)


def _speakers(people: Sequence[Reader], domain: str, send: Send) -> Iterator[Step]:
    kind = Machine.SPEECH
    for number, person in enumerate(people):
        spoken = send(machines.speech(number))
        yield Step(kind, person.name, machines.PROGRAM, IMPOSTOR, spoken, domain=domain, machine=kind)


def _clones(clones: Sequence[tuple[Reader, str, Samples]], domain: str, send: Send) -> Iterator[Step]:
    kind = Machine.CLONE
    for person, name, samples in clones:
        expected = CLONE_FOUND if name in ALWAYS_FOUND else CLONE
        yield Step(kind, person.name, name, expected, send(samples), domain=domain, machine=kind)


def _bad_lines(person: Reader) -> Iterator[Step]:
    def step(kind: str, samples: Samples, expected: Expectation) -> Step:
        return Step(kind, person.name, person.name, expected, wav(samples))

    never_accepted = ("STEP_UP", "REJECT", "INCONCLUSIVE")
    yield step("overdriven", overdriven(person.call), Expectation(never_accepted, ("AUDIO_CLIPPED",)))
    yield step("loud noise", noisy(person.call), Expectation(never_accepted, ("AUDIO_NOISY",)))
    yield step(
        "turned down 30 dB", person.call * np.float32(10 ** (-30 / 20)), Expectation(("ACCEPT", *never_accepted))
    )


def _unusable(person: Reader, pending: Reader) -> Iterator[Step]:
    def step(kind: str, content: bytes, outcome: str, *reasons: str, claimed: str = person.name) -> Step:
        return Step(kind, claimed, person.name, Expectation((outcome,), reasons), content)

    good = wav(person.call)
    yield step("two words", wav(person.call[: int(1.2 * RATE)]), "INCONCLUSIVE", "NOT_ENOUGH_SPEECH")
    yield step("silence", wav(np.zeros(3 * RATE, np.float32)), "INCONCLUSIVE", "NO_SPEECH")
    yield step("0.3 seconds", wav(person.call[: int(0.3 * RATE)]), "audio_too_short")
    yield step("over a minute", wav(np.resize(person.call, 61 * RATE)), "audio_too_long")
    yield step("cut off", good[: len(good) // 2], "audio_truncated")
    yield step("not audio", good[::-1], "audio_malformed")
    yield step("two channels", wav(person.call, person.call), "audio_channel_required")
    yield step("nobody of that name", good, "speaker_not_found", claimed="nobody")
    yield step("not yet enrolled", good, "speaker_not_enrolled", claimed=pending.name)


def _leaving(person: Reader) -> Iterator[Step]:
    def step(kind: str, outcome: str, action: Action) -> Step:
        return Step(kind, person.name, person.name, Expectation((outcome,)), wav(person.call), action)

    yield step("opt-out", "OPTED_OUT", Action.OPT_OUT)
    yield step("call after opt-out", "speaker_opted_out", Action.CALL)
