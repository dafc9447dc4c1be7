"""A session as a set of evidence: pure folds, so that no order, duplicate or retry of chunks can change a decision."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from bonafide.biometrics.decision import Reason
from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.pooling import NEARLY_ALL, pooled, seconds_of
from bonafide.biometrics.presentation.dominance import with_dominant_share
from bonafide.biometrics.presentation.voices import voice_alerts

# A session is judged by its newest speech, at most so much of it or so many chunks with speech: the cost is bounded,
# and a new voice on the line counts.
MOST_SPEECH_SECONDS = 120.0
MOST_CHUNKS = 240


class SessionStatus(StrEnum):
    """Stages of a session: audio arrives, the end is known, the decision is final."""

    OPEN = "OPEN"
    ENDED = "ENDED"
    FINAL = "FINAL"


@dataclass(frozen=True, slots=True)
class ChunkEvidence:
    """Evidence of one chunk of audio.

    Attributes:
        number: place of the chunk in the session, from 0.
        content: SHA-256 of the chunk's audio, hex; tells a repeated chunk from another one under the same number.
        evidence: of the chunk alone.
    """

    number: int
    content: str
    evidence: Evidence


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Summary of a chunk, by which the chunks that a decision rests on are chosen before they are read.

    Attributes:
        number: of the chunk.
        content: the first 16 digits of the chunk's `content`.
        space: tag of the evidence's embedding space.
        speech_ms: net speech, ms; whole numbers, so that no order of adding them up makes a difference.
        accepted: when the stream took the chunk, seconds since 1970.
    """

    number: int
    content: str
    space: str
    speech_ms: int = 0
    accepted: int = 0

    @classmethod
    def of(cls, chunk: ChunkEvidence, accepted: int = 0) -> Self:
        """Marks a chunk's evidence."""
        name, evidence = tag(chunk.number, chunk.content, chunk.evidence.embedding_space), chunk.evidence
        return cls(*name, round(evidence.speech_seconds * 1000) if evidence.embeddings else 0, accepted)

    @property
    def tag(self) -> tuple[int, str, str]:
        """Names the evidence within its session."""
        return self.number, self.content, self.space


@dataclass(frozen=True, slots=True)
class ChunkSurvey:
    """Summary of a session's chunks by their marks.

    Attributes:
        window: of the chunks that a decision rests on, one for each number, ascending.
        received: how many different chunk numbers there are.
        conflicting: how many numbers came with more than one content.
        other_space: how many numbers have evidence of other embedding spaces only.
    """

    window: tuple[Mark, ...]
    received: int
    conflicting: int
    other_space: int

    @property
    def spoken(self) -> list[Mark]:
        """Returns the part of the window that has speech, whose evidence is needed."""
        return [mark for mark in self.window if mark.speech_ms]


@dataclass(frozen=True, slots=True)
class SessionEvidence:
    """Pooled evidence of a session so far.

    Attributes:
        evidence: pooled over the chunks used; None when no chunk had speech.
        used: numbers of the chunks that count, ascending; those are left out that cannot be compared with most others.
        contents: digests of the chunks used, in the same order, as `Mark` names them.
        received: how many different chunk numbers there are.
        conflicting: how many numbers came with more than one content.
        other_space: how many numbers have evidence of other embedding spaces only.
        alerts: reasons not to take the chunks used for the speech of one person.
    """

    evidence: Evidence | None
    used: tuple[int, ...]
    contents: tuple[str, ...]
    received: int
    conflicting: int
    other_space: int
    alerts: tuple[Reason, ...] = ()


def fold(rows: Iterable[ChunkEvidence], embedding_space: str, count: int | None = None) -> SessionEvidence:
    """Folds a set of chunk evidence; equal sets give equal results to the last bit.

    Of several contents under one number the one with the smallest digest wins, whichever came first. Evidence of
    another embedding space never mixes in.

    Args:
        rows: in any order, with any duplicates.
        embedding_space: of the voiceprint that the session is compared with.
        count: number of chunks of the session, once known; chunks beyond do not belong to it.
    """
    chunks = list(rows)
    return pool(survey((Mark.of(each) for each in chunks), embedding_space, count), chunks)


def survey(marks: Iterable[Mark], embedding_space: str, count: int | None = None) -> ChunkSurvey:
    """Surveys a session without its evidence: the first half of `fold`, with its arguments."""
    space = space_tag(embedding_space)
    contents: dict[int, set[str]] = {}
    chosen: dict[int, Mark] = {}
    for mark in sorted(mark for mark in marks if count is None or mark.number < count):
        contents.setdefault(mark.number, set()).add(mark.content)
        if mark.space == space:
            chosen.setdefault(mark.number, mark)
    return ChunkSurvey(
        window=_newest([chosen[number] for number in sorted(chosen)]),
        received=len(contents),
        conflicting=sum(len(digests) > 1 for digests in contents.values()),
        other_space=len(contents) - len(chosen),
    )


def covering(spaces: Sequence[str], marks: Sequence[Mark], count: int | None = None) -> str:
    """Returns the embedding space that most of a session has evidence in; of equals, the first.

    A deployment may change in the middle of a session, so that some chunks have evidence in one space only.

    Args:
        spaces: to choose from, at least one.
        marks: of the session.
        count: as of `fold`.
    """
    if len(spaces) == 1:
        return spaces[0]
    return min(spaces, key=lambda space: survey(marks, space, count).other_space)


def pool(surveyed: ChunkSurvey, rows: Iterable[ChunkEvidence]) -> SessionEvidence:
    """Pools the evidence of a window: the second half of `fold`.

    Args:
        surveyed: summary of the session.
        rows: the evidence of `surveyed.spoken`, in any order; other evidence does not count.
    """
    known = {Mark.of(each).tag: each.evidence for each in rows}
    pieces = {mark.number: known[mark.tag] for mark in surveyed.spoken if mark.tag in known}
    band = _common_band(pieces)
    comparable = {number: each for number, each in pieces.items() if band in each.embeddings}
    left_out = pieces.keys() - comparable.keys()
    used = [mark for mark in surveyed.window if mark.number not in left_out]
    spoken = list(comparable.values())
    return SessionEvidence(
        evidence=with_dominant_share(pooled(spoken), spoken, band) if spoken else None,
        used=tuple(mark.number for mark in used),
        contents=tuple(mark.content for mark in used),
        received=surveyed.received,
        conflicting=surveyed.conflicting,
        other_space=surveyed.other_space,
        alerts=voice_alerts(spoken, band) if spoken else (),
    )


def is_complete(marks: Iterable[Mark], count: int | None) -> bool:
    """Tells whether every chunk number of an ended session has evidence."""
    return count is not None and {mark.number for mark in marks}.issuperset(range(count))


def tag(number: int, content: str, embedding_space: str) -> tuple[int, str, str]:
    """Names evidence within its session, as briefly as is safe.

    Args:
        number: of the chunk.
        content: SHA-256 of the chunk's audio, hex.
        embedding_space: of the evidence.
    """
    return number, content_tag(content), space_tag(embedding_space)


def content_tag(content: str) -> str:
    """Names a chunk's audio by the first 16 digits of its SHA-256, hex."""
    return content[:16]


def space_tag(embedding_space: str) -> str:
    """Names an embedding space by 8 hex digits."""
    return hashlib.sha256(embedding_space.encode()).hexdigest()[:8]


def _newest(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """Returns the last chunks that together hold MOST_SPEECH_SECONDS, or MOST_CHUNKS with speech; ascending."""
    kept: list[Mark] = []
    speech_ms = spoken = 0
    for mark in reversed(marks):
        if speech_ms >= MOST_SPEECH_SECONDS * 1000 or spoken == MOST_CHUNKS:
            break
        speech_ms += mark.speech_ms
        spoken += mark.speech_ms > 0
        kept.append(mark)
    return tuple(kept[::-1])


def _common_band(pieces: Mapping[int, Evidence]) -> Channel:
    """Returns the band in which chunks are compared; seconds of chunks without it do not count.

    Wideband tells voices apart best, so a few chunks without it do not count. Where more of the speech is without it,
    it is the band in which most can be compared.
    """
    seconds = {band: seconds_of(each for each in pieces.values() if band in each.embeddings) for band in Channel}
    most = max(Channel, key=lambda band: seconds[band])
    if seconds[Channel.WIDEBAND] >= NEARLY_ALL * seconds[most]:
        return Channel.WIDEBAND
    return most
