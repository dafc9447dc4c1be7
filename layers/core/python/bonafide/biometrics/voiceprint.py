"""Voiceprints: the protected templates of a person, a pure fold over evidence."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from bonafide.biometrics.evidence import Channel, Evidence, FloatVector

_FORMAT = 1
# Recordings that a voiceprint knows again, and how much of the digest of each it keeps: 128 bits, hex.
_REMEMBERED = 32
_DIGITS = 32
_FLOAT = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class Template:
    """Template of a voice in one band.

    Attributes:
        total: sum of unit embeddings, each weighted by its seconds of speech, shape (dim,).
        seconds: net speech.
        recorded_seconds: the part of `seconds` that was recorded in this band; the rest came from a wider one.
        recordings: how many.
    """

    total: FloatVector
    seconds: float
    recorded_seconds: float
    recordings: int

    @property
    def embedding(self) -> FloatVector:
        """Unit vector, shape (dim,)."""
        return np.asarray(self.total / np.linalg.norm(self.total), np.float32)

    @property
    def is_derived(self) -> bool:
        """Tells whether most of the speech was brought down from a wider band."""
        return self.recorded_seconds < self.seconds / 2

    def __add__(self, other: Self) -> "Template":
        """Pools the speech of both."""
        return Template(
            total=self.total + other.total,
            seconds=self.seconds + other.seconds,
            recorded_seconds=self.recorded_seconds + other.recorded_seconds,
            recordings=self.recordings + other.recordings,
        )


@dataclass(frozen=True, slots=True)
class Voiceprint:
    """Templates of one person.

    Attributes:
        embedding_space: the space of every template; nothing of another space is ever compared with them.
        templates: by band.
        speech_seconds: net speech of all recordings together.
        audio: beginnings of the digests of the newest recordings that are part of it; empty where they are not known.
    """

    embedding_space: str
    templates: Mapping[Channel, Template] = field(default_factory=dict)
    speech_seconds: float = 0.0
    audio: tuple[str, ...] = ()

    @classmethod
    def empty(cls, embedding_space: str) -> Self:
        """A voiceprint without speech."""
        return cls(embedding_space)

    @staticmethod
    def of(recordings: Sequence[Evidence]) -> "Voiceprint":
        """Makes the voiceprint of one or more recordings of one embedding space."""
        made = Voiceprint.empty(recordings[0].embedding_space)
        for each in recordings:
            made = made.add(each)
        return made

    @property
    def channels(self) -> list[Channel]:
        """The bands that the person was recorded in."""
        return [channel for channel, template in sorted(self.templates.items()) if template.recorded_seconds > 0]

    @property
    def is_closed(self) -> bool:
        """Tells whether the embeddings are left out, as for those who may not read them."""
        return any(template.total.size == 0 for template in self.templates.values())

    def closed(self) -> Self:
        """Returns what may be read without the key: no embedding, and no digest of a recording."""
        nothing = np.empty(0, np.float32)
        templates = {channel: replace(each, total=nothing) for channel, each in self.templates.items()}
        return replace(self, templates=templates, audio=())

    def transformed(self, change: Callable[[FloatVector], FloatVector]) -> Self:
        """Returns the voiceprint with every embedding changed by a function of vectors, shape (count, dim)."""
        if not self.templates:
            return self
        changed = change(np.stack([each.total for each in self.templates.values()]))
        pairs = zip(self.templates.items(), changed, strict=True)
        return replace(self, templates={channel: replace(each, total=total) for (channel, each), total in pairs})

    def holds(self, audio: str) -> bool:
        """Tells whether the recording with this digest is known to be part of the voiceprint."""
        return audio[:_DIGITS] in self.audio

    def add(self, evidence: Evidence, audio: str = "") -> "Voiceprint":
        """Folds one recording in; the order of recordings does not matter.

        Evidence without embeddings adds nothing, and neither does a recording that the voiceprint holds.

        Args:
            evidence: of the recording.
            audio: digest of its samples; empty where it is of no interest.

        Raises:
            ValueError: the evidence is of another embedding space.
        """
        if evidence.embedding_space != self.embedding_space:
            raise ValueError(f"evidence of {evidence.embedding_space} for a voiceprint of {self.embedding_space}")
        if not evidence.embeddings or self.holds(audio):
            return self
        added = {channel: _template(evidence, channel) for channel in evidence.embeddings}
        merged = {
            channel: self.templates[channel] + added[channel] if channel in self.templates else added[channel]
            for channel in added
        }
        seconds = self.speech_seconds + evidence.speech_seconds
        known = (*self.audio, audio[:_DIGITS])[-_REMEMBERED:] if audio else self.audio
        return Voiceprint(self.embedding_space, {**self.templates, **merged}, seconds, known)

    def to_bytes(self) -> bytes:
        """One line of JSON, then the sums as little-endian float32 in the order of the line.

        The release before ignores `audio`, and drops it when it writes the voiceprint.
        """
        header = {
            "format": _FORMAT,
            "embedding_space": self.embedding_space,
            "speech_seconds": self.speech_seconds,
            "templates": [_describe(channel, self.templates[channel]) for channel in sorted(self.templates)],
            **({"audio": self.audio} if self.audio else {}),
        }
        sums = [self.templates[channel].total.astype(_FLOAT).tobytes() for channel in sorted(self.templates)]
        return json.dumps(header).encode() + b"\n" + b"".join(sums)

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Reads what `to_bytes` wrote.

        Raises:
            ValueError: it is something else, or of a later format.
        """
        line, _, data = content.partition(b"\n")
        header = json.loads(line)
        if header["format"] != _FORMAT:
            raise ValueError(f"voiceprint of format {header['format']}")
        described = header["templates"]
        sums = np.frombuffer(data, _FLOAT).reshape(len(described), -1) if described else np.empty((0, 0), _FLOAT)
        templates = {Channel(each["channel"]): _read(each, total) for each, total in zip(described, sums, strict=True)}
        audio = tuple(header.get("audio", ()))
        return cls(header["embedding_space"], templates, header["speech_seconds"], audio)


def add_to_each(known: Sequence[Voiceprint], recording: Sequence[Evidence], audio: str = "") -> list[Voiceprint]:
    """Adds one recording to the voiceprints of a person, oldest space first; one that holds it stays as it is.

    It is added in every space that the person has a voiceprint in, and always in the newest. Somebody without any gets
    one in each space, so that bundles before this one know the person too, if a deployment goes back to them.

    Args:
        known: voiceprints, the oldest space first; those of spaces without evidence stay as they are.
        recording: its evidence in each space that the bundle serves, the newest first.
        audio: digest of its samples; empty where it is of no interest.
    """
    evidence = {each.embedding_space: each for each in recording}
    begun = [each.embedding_space for each in (recording[:1] if known else reversed(recording))]
    there = {each.embedding_space for each in known}
    started = [*known, *(Voiceprint.empty(space) for space in begun if space not in there)]
    return [
        each.add(evidence[each.embedding_space], audio) if each.embedding_space in evidence else each
        for each in started
    ]


def _template(evidence: Evidence, channel: Channel) -> Template:
    seconds = evidence.speech_seconds
    return Template(
        total=evidence.embeddings[channel] * np.float32(seconds),
        seconds=seconds,
        recorded_seconds=seconds if channel is evidence.channel else 0.0,
        recordings=1,
    )


def _describe(channel: Channel, template: Template) -> Mapping[str, Any]:
    return {
        "channel": channel,
        "seconds": template.seconds,
        "recorded_seconds": template.recorded_seconds,
        "recordings": template.recordings,
    }


def _read(described: Mapping[str, Any], total: FloatVector) -> Template:
    return Template(
        total=total.astype(np.float32),
        seconds=described["seconds"],
        recorded_seconds=described["recorded_seconds"],
        recordings=described["recordings"],
    )
