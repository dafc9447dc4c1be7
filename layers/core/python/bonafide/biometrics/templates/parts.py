"""Templates of a voice, and the shares that contributions have in them."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Self

import numpy as np

from bonafide.biometrics.evidence import Channel, Evidence, FloatVector

# How much of the digest of a recording is kept: 128 bits, hex.
DIGITS = 32
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
class VoiceprintPart:
    """The share that one contribution has in a voiceprint.

    Attributes:
        name: of the contribution; empty for speech that is not known apart.
        templates: by band.
        speech_seconds: net speech.
        audio: beginning of the digest of the recording; empty where it is not known.
    """

    name: str
    templates: Mapping[Channel, Template]
    speech_seconds: float
    audio: str = ""

    @classmethod
    def of(cls, evidence: Evidence, name: str, audio: str) -> Self:
        """Makes the part of one recording."""
        templates = {channel: _template(evidence, channel) for channel in evidence.embeddings}
        return cls(name, templates, evidence.speech_seconds, audio[:DIGITS])

    def __add__(self, other: Self) -> "VoiceprintPart":
        """Pools the speech of both, which is not known apart from then on."""
        both = {
            channel: self.templates[channel] + other.templates[channel]
            for channel in self.templates.keys() & other.templates.keys()
        }
        return VoiceprintPart(
            "", {**self.templates, **other.templates, **both}, self.speech_seconds + other.speech_seconds
        )


def _template(evidence: Evidence, channel: Channel) -> Template:
    seconds = evidence.speech_seconds
    return Template(
        total=evidence.embeddings[channel] * np.float32(seconds),
        seconds=seconds,
        recorded_seconds=seconds if channel is evidence.channel else 0.0,
        recordings=1,
    )


def pooled(parts: Iterable[VoiceprintPart]) -> VoiceprintPart:
    """Pools parts, always from the left: so sums of the same parts are the same to the last bit."""
    return reduce(VoiceprintPart.__add__, parts)


def described(templates: Mapping[Channel, Template]) -> Sequence[Mapping[str, Any]]:
    """Returns what is stored of templates beside their sums, in the order of `sums`."""
    return [
        {
            "channel": channel,
            "seconds": template.seconds,
            "recorded_seconds": template.recorded_seconds,
            "recordings": template.recordings,
        }
        for channel, template in sorted(templates.items())
    ]


def sums(templates: Mapping[Channel, Template]) -> bytes:
    """Writes the sums as little-endian float32."""
    return b"".join(template.total.astype(_FLOAT).tobytes() for _, template in sorted(templates.items()))


def read_templates(about: Sequence[Mapping[str, Any]], data: bytes) -> Mapping[Channel, Template]:
    """Reads what `described` and `sums` wrote."""
    totals = np.frombuffer(data, _FLOAT).reshape(len(about), -1) if about else np.empty((0, 0), _FLOAT)
    return {
        Channel(each["channel"]): Template(
            total=total.astype(np.float32),
            seconds=each["seconds"],
            recorded_seconds=each["recorded_seconds"],
            recordings=each["recordings"],
        )
        for each, total in zip(about, totals, strict=True)
    }


def written_part(part: VoiceprintPart) -> Mapping[str, Any]:
    """Returns the stored form, JSON."""
    return {
        "name": part.name,
        "speech_seconds": part.speech_seconds,
        "audio": part.audio,
        "templates": described(part.templates),
        "sums": base64.b64encode(sums(part.templates)).decode(),
    }


def read_part(written: Mapping[str, Any]) -> VoiceprintPart:
    """Reads what `written_part` wrote."""
    templates = read_templates(written["templates"], base64.b64decode(written["sums"]))
    return VoiceprintPart(written["name"], templates, written["speech_seconds"], written["audio"])
