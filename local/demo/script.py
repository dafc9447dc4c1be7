"""The script of the demo: requests with their expected answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from bonafide.audio.waveform import Samples, Waveform
from bonafide_client import bodies
from layers.golden.readers import RATE, Reader, wav
from local.demo import synthetic_voices
from training.corpus.telephone import telephone

type Send = Callable[[Samples], bytes]

OFFICE, PHONE, ONCE = "demo-office", "demo-phone", "demo-once"
# The recordings are short, so these domains require less than the default of 20 s of speech. Costs are the defaults.
# Every attack shall be judged by itself, and the scores shown.
POLICY: dict[str, Any] = {"minimum_enrolment_seconds": 6, "failure_limit": None, "disclosure": "full"}
# They are also few: only the domain ONCE asks whether one was used before.
SETTINGS: dict[str, Any] = {"policy": POLICY, "retention": {"replay_days": 0}}
ONCE_SETTINGS: dict[str, Any] = {"policy": POLICY}
IMPOSTORS_EACH = 3


class Action(StrEnum):
    """An operation of the API, which ends the path."""

    ENROLL = "enrollments"
    CALL = "authentications"
    OPT_OUT = "opt-out"


class SyntheticVoice(StrEnum):
    """A kind of synthetic voice."""

    SPEECH = "text to speech"
    CLONE = "clone"


@dataclass(frozen=True, slots=True)
class Expectation:
    """The acceptable answers to a request.

    Attributes:
        outcomes: decisions, speaker states or problem codes.
        reasons: reason codes, one of which is required, if any.
    """

    outcomes: tuple[str, ...]
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        because = f" because of {' or '.join(self.reasons)}" if self.reasons else ""
        return " or ".join(self.outcomes) + because


ENROLLED = Expectation(("ENROLLED",))
# The voice has to match. The detector of synthetic speech doubts some people, which may cost another proof.
GENUINE = Expectation(("ACCEPT", "STEP_UP"), ("VOICE_MATCH",))
# Over another channel than at enrollment, asking for another proof is acceptable; rejection is not.
GENUINE_ELSEWHERE = Expectation(("ACCEPT", "STEP_UP"))
IMPOSTOR = Expectation(("REJECT", "STEP_UP"))
# The detector misses some clones; the summary counts the accepted ones. Accepting one of a system that the detector
# finds reliably fails the demo.
CLONE = Expectation(("ACCEPT", "REJECT", "STEP_UP"))
CLONE_FOUND = Expectation(("REJECT", "STEP_UP"))
REPLAYED = Expectation(("REJECT", "STEP_UP"), ("AUDIO_REPLAYED",))
ALWAYS_FOUND = frozenset({"lpc"})


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One request.

    Attributes:
        kind: description for people.
        claimed: speaker that the request names.
        spoke: person or system that spoke.
        expected: acceptable answers.
        content: recording as an audio file.
        synthetic: kind of synthetic voice, if any.
        replayed: whether the recording was used before.
    """

    kind: str
    claimed: str
    spoke: str
    expected: Expectation
    content: bytes = b""
    action: Action = Action.CALL
    domain: str = OFFICE
    synthetic: SyntheticVoice | None = None
    replayed: bool = False

    @property
    def path(self) -> str:
        """Path of the request."""
        return f"/v1/domains/{self.domain}/speakers/{self.claimed}/{self.action}"

    def body(self) -> dict[str, Any] | None:
        """Returns the body of the request."""
        if self.action is Action.OPT_OUT:
            return None
        receipt = {"consent": bodies.consent(f"demo-{self.claimed}")} if self.action is Action.ENROLL else {}
        return {"audio": bodies.audio(self.content), **receipt}


def script(readers: Mapping[str, Reader]) -> Iterator[tuple[str, Iterator[DemoStep]]]:
    """Yields headings, each with its steps."""
    brief = min(readers.values(), key=lambda reader: len(reader.enrollment))
    people = [reader for reader in readers.values() if reader is not brief]
    yield "Enrolled with the first passages of each reader, 16 kHz", _enroll(people, OFFICE, wav)
    yield "Not enough or unusable speech to enroll", _refused_enrollments(brief, people[0])
    yield "Genuine: the reader's last passage", _genuine(people, GENUINE, "genuine", OFFICE, wav)
    yield "Impostors: someone else's last passage", _impostors([*people, brief], people, IMPOSTORS_EACH, OFFICE, wav)
    yield (
        "Genuine: enrolled at 16 kHz, calling by telephone",
        _genuine(people, GENUINE_ELSEWHERE, "genuine, telephone", OFFICE, line),
    )
    yield "Impostors: enrolled at 16 kHz, calling by telephone", _impostors(people, people, 1, OFFICE, line)
    yield "Enrolled by telephone", _enroll(people, PHONE, line)
    yield "Genuine: enrolled and calling by telephone", _genuine(people, GENUINE, "genuine", PHONE, line)
    yield (
        "Genuine: enrolled by telephone, calling at 16 kHz",
        _genuine(people, GENUINE_ELSEWHERE, "genuine, 16 kHz", PHONE, wav),
    )
    yield "Impostors: enrolled and calling by telephone", _impostors(people, people, 2, PHONE, line)
    yield from _synthetic(people)
    yield "Replayed recordings of the claimed speaker, 16 kHz", _replayed(people[0])
    yield "Bad lines", _bad_lines(people[0])
    yield "Nothing to decide on", _unusable(people[0], brief)
    yield "Opt-out", _opting_out(people[1])


def line(samples: Samples) -> bytes:
    """Returns speech over a telephone line as a WAV file."""
    received = telephone(Waveform(samples, RATE))
    return wav(received.samples, rate=received.rate)


def overdriven(samples: Samples) -> Samples:
    """Returns speech that is clipped by an overdriven converter."""
    return np.asarray(np.clip(20 * samples, -0.999, 0.999), np.float32)


def noisy(samples: Samples) -> Samples:
    """Returns half a second of pause, then speech, with noise at the level of the speech."""
    waited = np.concatenate([np.zeros(RATE // 2, np.float32), samples])
    noise = np.random.default_rng(0).standard_normal(len(waited)).astype(np.float32)
    return np.asarray(waited + noise * np.sqrt(np.mean(np.square(samples))), np.float32)


def _enroll(people: Sequence[Reader], domain: str, send: Send) -> Iterator[DemoStep]:
    for person in people:
        kind = f"enroll, {len(person.clips) - 1} passage{'s' * (len(person.clips) > 2)}"
        yield DemoStep(kind, person.name, person.name, ENROLLED, send(person.enrollment), Action.ENROLL, domain)


def _refused_enrollments(brief: Reader, clipped: Reader) -> Iterator[DemoStep]:
    def step(kind: str, reader: Reader, samples: Samples, outcome: str) -> DemoStep:
        return DemoStep(kind, brief.name, reader.name, Expectation((outcome,)), wav(samples), Action.ENROLL)

    yield step("enroll, too short", brief, brief.enrollment, "PENDING")
    yield step("enroll, overdriven", clipped, overdriven(clipped.enrollment), "audio_clipped")
    yield step("enroll, silence", brief, np.zeros_like(brief.enrollment), "audio_no_speech")


def _genuine(people: Sequence[Reader], expected: Expectation, kind: str, domain: str, send: Send) -> Iterator[DemoStep]:
    for person in people:
        yield DemoStep(kind, person.name, person.name, expected, send(person.call), domain=domain)


def _impostors(
    callers: Sequence[Reader], people: Sequence[Reader], each: int, domain: str, send: Send
) -> Iterator[DemoStep]:
    """Yields calls in which each person is claimed by `each` others, who call about equally often."""
    for i, person in enumerate(people):
        for j in range(each):
            caller = callers[(i + 1 + j * (len(callers) - 1) // each) % len(callers)]
            yield DemoStep("impostor", person.name, caller.name, IMPOSTOR, send(caller.call), domain=domain)


def _synthetic(people: Sequence[Reader]) -> Iterator[tuple[str, Iterator[DemoStep]]]:
    """Yields calls by synthetic voices; a clone claims the person whose last passage it copies."""
    clones = [
        (person, name, synthetic_voices.copy(name, person.call))
        for person in people
        for name in synthetic_voices.COPIERS
    ]
    yield "Synthetic: text to speech in a voice of its own, 16 kHz", _speakers(people, OFFICE, wav)
    yield "Synthetic: text to speech in a voice of its own, by telephone", _speakers(people, PHONE, line)
    yield "Synthetic: clones of the claimed speaker, 16 kHz", _clones(clones, OFFICE, wav)
    yield "Synthetic: clones of the claimed speaker, by telephone", _clones(clones, PHONE, line)


def _speakers(people: Sequence[Reader], domain: str, send: Send) -> Iterator[DemoStep]:
    kind = SyntheticVoice.SPEECH
    for number, person in enumerate(people):
        spoken = send(synthetic_voices.speech(number))
        yield DemoStep(kind, person.name, synthetic_voices.PROGRAM, IMPOSTOR, spoken, domain=domain, synthetic=kind)


def _clones(clones: Sequence[tuple[Reader, str, Samples]], domain: str, send: Send) -> Iterator[DemoStep]:
    kind = SyntheticVoice.CLONE
    for person, name, samples in clones:
        expected = CLONE_FOUND if name in ALWAYS_FOUND else CLONE
        yield DemoStep(kind, person.name, name, expected, send(samples), domain=domain, synthetic=kind)


def _replayed(person: Reader) -> Iterator[DemoStep]:
    """Yields a call, and calls with what was heard before."""
    yield from _enroll([person], ONCE, wav)
    yield from _genuine([person], GENUINE, "genuine, first call", ONCE, wav)
    call, beginning = person.call, person.enrollment[: 6 * RATE]
    copies = {
        "the same again": wav(call),
        "again, by telephone": line(call),
        "again, 20 dB lower": wav(call * np.float32(0.1)),
        "again, cut short": wav(call[RATE:]),
        "again, backwards": wav(call[::-1]),
        "from the enrollment": wav(beginning),
        "a second, eight times": wav(np.tile(beginning[2 * RATE : 3 * RATE], 8)),
    }
    for kind, content in copies.items():
        yield DemoStep(kind, person.name, person.name, REPLAYED, content, domain=ONCE, replayed=True)


def _bad_lines(person: Reader) -> Iterator[DemoStep]:
    def step(kind: str, samples: Samples, expected: Expectation) -> DemoStep:
        return DemoStep(kind, person.name, person.name, expected, wav(samples))

    never_accepted = ("STEP_UP", "REJECT", "INCONCLUSIVE")
    yield step("overdriven", overdriven(person.call), Expectation(never_accepted, ("AUDIO_CLIPPED",)))
    yield step("loud noise", noisy(person.call), Expectation(never_accepted, ("AUDIO_NOISY",)))
    yield step(
        "turned down 30 dB", person.call * np.float32(10 ** (-30 / 20)), Expectation(("ACCEPT", *never_accepted))
    )


def _unusable(person: Reader, pending: Reader) -> Iterator[DemoStep]:
    def step(kind: str, content: bytes, outcome: str, *reasons: str, claimed: str = person.name) -> DemoStep:
        return DemoStep(kind, claimed, person.name, Expectation((outcome,), reasons), content)

    good = wav(person.call)
    yield step("two words", wav(person.call[: int(1.2 * RATE)]), "INCONCLUSIVE", "NOT_ENOUGH_SPEECH")
    yield step("silence", wav(np.zeros(3 * RATE, np.float32)), "INCONCLUSIVE", "NO_SPEECH")
    yield step("0.3 seconds", wav(person.call[: int(0.3 * RATE)]), "audio_too_short")
    yield step("over a minute", wav(np.resize(person.call, 61 * RATE)), "audio_too_long")
    yield step("cut off", good[: len(good) // 2], "audio_truncated")
    yield step("not audio", good[::-1], "audio_malformed")
    yield step("two channels", wav(person.call, person.call), "audio_channel_required")
    yield step("unknown speaker", good, "speaker_not_found", claimed="nobody")
    yield step("not yet enrolled", good, "speaker_not_enrolled", claimed=pending.name)


def _opting_out(person: Reader) -> Iterator[DemoStep]:
    def step(kind: str, outcome: str, action: Action) -> DemoStep:
        return DemoStep(kind, person.name, person.name, Expectation((outcome,)), wav(person.call), action)

    yield step("opt-out", "OPTED_OUT", Action.OPT_OUT)
    yield step("call after opt-out", "speaker_opted_out", Action.CALL)
