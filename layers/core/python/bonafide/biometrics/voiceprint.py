"""Voiceprints: the protected templates of a person, a pure fold over evidence."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from bonafide.biometrics.evidence import Channel, Evidence, FloatVector
from bonafide.biometrics.templates.parts import (
    DIGITS,
    Template,
    VoiceprintPart,
    described,
    pooled,
    read_part,
    read_templates,
    sums,
    written_part,
)

_FORMAT = 1
# Recordings that a voiceprint knows again, and contributions that can be taken out.
_REMEMBERED = 32


@dataclass(frozen=True, slots=True)
class Voiceprint:
    """Templates of one person.

    Attributes:
        embedding_space: the space of every template; nothing of another space is ever compared with them.
        templates: by band.
        speech_seconds: net speech of all recordings together.
        audio: beginnings of the digests of the newest recordings that are part of it; empty where they are not known.
        parts: what `templates` and `speech_seconds` are the sums of, in order, so that a contribution can be taken out
            again; the speech of earlier releases, or of older contributions, is one without a name. Empty where all
            of it is that one.
    """

    embedding_space: str
    templates: Mapping[Channel, Template] = field(default_factory=dict)
    speech_seconds: float = 0.0
    audio: tuple[str, ...] = ()
    parts: tuple[VoiceprintPart, ...] = ()

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

    def holds(self, audio: str) -> bool:
        """Tells whether the recording with this digest is known to be part of the voiceprint."""
        return audio[:DIGITS] in self.audio

    def add(self, evidence: Evidence, audio: str = "", name: str = "") -> "Voiceprint":
        """Folds one recording in; the order of recordings does not matter.

        Evidence without embeddings adds nothing, and neither does a recording that the voiceprint holds.

        Args:
            evidence: of the recording.
            audio: digest of its samples; empty where it is of no interest.
            name: of the contribution, by which it can be taken out; empty where it never will be.

        Raises:
            ValueError: the evidence is of another embedding space.
        """
        if evidence.embedding_space != self.embedding_space:
            raise ValueError(f"evidence of {evidence.embedding_space} for a voiceprint of {self.embedding_space}")
        if not evidence.embeddings or self.holds(audio):
            return self
        known = (*self.audio, audio[:DIGITS])[-_REMEMBERED:] if audio else self.audio
        return self._of([*self._all_parts, VoiceprintPart.of(evidence, name, audio)], known)

    def holds_apart(self, name: str) -> bool:
        """Tells whether the contribution of this name can be taken out."""
        return any(each.name == name for each in self.parts)

    def without(self, name: str) -> "Voiceprint":
        """Returns the voiceprint as made without a contribution, to the last bit; itself if it is not known apart."""
        out = [each.audio for each in self.parts if each.name == name]
        if not out:
            return self
        parts = [each for each in self.parts if each.name != name]
        return self._of(parts, tuple(each for each in self.audio if each not in out))

    @property
    def _all_parts(self) -> Sequence[VoiceprintPart]:
        whole = [VoiceprintPart("", self.templates, self.speech_seconds)] if self.templates else []
        return self.parts or whole

    def _of(self, parts: Sequence[VoiceprintPart], audio: tuple[str, ...]) -> "Voiceprint":
        """Makes the voiceprint of parts in this order, of which the oldest are not kept apart any more."""
        if not parts:
            return Voiceprint.empty(self.embedding_space)
        first, kept = parts[: max(len(parts) - _REMEMBERED, 0)], parts[max(len(parts) - _REMEMBERED, 0) :]
        apart = (*([pooled(first)] if first else []), *kept)
        total = pooled(apart)
        known = apart if any(each.name for each in apart) else ()
        return Voiceprint(self.embedding_space, total.templates, total.speech_seconds, audio, known)

    @property
    def is_closed(self) -> bool:
        """Tells whether the embeddings are left out, as for those who may not read them."""
        return any(template.total.size == 0 for template in self.templates.values())

    def closed(self) -> Self:
        """Returns what may be read without the key: no embedding, and no digest of a recording."""
        nothing = np.empty(0, np.float32)
        templates = {channel: replace(each, total=nothing) for channel, each in self.templates.items()}
        return replace(self, templates=templates, audio=(), parts=())

    def transformed(self, change: Callable[[FloatVector], FloatVector]) -> Self:
        """Returns the voiceprint with every embedding changed by a function of vectors, shape (count, dim)."""
        groups = [self.templates, *(each.templates for each in self.parts)]
        vectors = [template.total for group in groups for template in group.values()]
        if not vectors:
            return self
        changed = iter(change(np.stack(vectors)))
        whole, *apart = [
            {channel: replace(template, total=next(changed)) for channel, template in group.items()} for group in groups
        ]
        parts = tuple(replace(each, templates=own) for each, own in zip(self.parts, apart, strict=True))
        return replace(self, templates=whole, parts=parts)

    def to_bytes(self) -> bytes:
        """One line of JSON, then the sums as little-endian float32 in the order of the line.

        Earlier releases ignore `audio` and `parts`, and drop them when they write the voiceprint. The sums of parts are
        in the line, in base64, since those releases take all that follows it for sums of the whole.
        """
        header = {
            "format": _FORMAT,
            "embedding_space": self.embedding_space,
            "speech_seconds": self.speech_seconds,
            "templates": described(self.templates),
            **({"audio": self.audio} if self.audio else {}),
            **({"parts": [written_part(each) for each in self.parts]} if self.parts else {}),
        }
        return json.dumps(header).encode() + b"\n" + sums(self.templates)

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
        templates = read_templates(header["templates"], data)
        audio, parts = tuple(header.get("audio", ())), tuple(read_part(each) for each in header.get("parts", ()))
        return cls(header["embedding_space"], templates, header["speech_seconds"], audio, parts)


def add_to_each(
    known: Sequence[Voiceprint], recording: Sequence[Evidence], audio: str = "", name: str = ""
) -> list[Voiceprint]:
    """Adds one recording to the voiceprints of a person, oldest space first; one that holds it stays as it is.

    It is added in every space that the person has a voiceprint in, and always in the newest. Somebody without any gets
    one in each space, so that bundles before this one know the person too, if a deployment goes back to them.

    Args:
        known: voiceprints, the oldest space first; those of spaces without evidence stay as they are.
        recording: its evidence in each space that the bundle serves, the newest first.
        audio: digest of its samples; empty where it is of no interest.
        name: of the contribution, by which it can be taken out; empty where it never will be.
    """
    evidence = {each.embedding_space: each for each in recording}
    begun = [each.embedding_space for each in (recording[:1] if known else reversed(recording))]
    there = {each.embedding_space for each in known}
    started = [*known, *(Voiceprint.empty(space) for space in begun if space not in there)]
    return [
        each.add(evidence[each.embedding_space], audio, name) if each.embedding_space in evidence else each
        for each in started
    ]
