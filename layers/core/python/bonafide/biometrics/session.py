"""A call as a set of evidence: pure folds, so that no order, duplicate or retry of its chunks can change a decision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, Quality

# An hour's call costs no more to judge than this much speech, the newest, so that a new voice on the line counts.
MOST_SPEECH_SECONDS = 120.0


class SessionStatus(StrEnum):
    """Where a call stands: audio flows, the end is known, the decision is final."""

    OPEN = "OPEN"
    ENDED = "ENDED"
    FINAL = "FINAL"


@dataclass(frozen=True, slots=True)
class ChunkEvidence:
    """What one chunk of audio contributes.

    Attributes:
        number: place of the chunk in the call, from 0.
        content: SHA-256 of the chunk's audio, hex; tells a repeated chunk from another one under the same number.
        evidence: of the chunk alone.
    """

    number: int
    content: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Folded:
    """A call's evidence so far.

    Attributes:
        evidence: pooled over the chunks used; None when no chunk had speech.
        used: numbers of the chunks that count, ascending.
        received: how many different chunk numbers there are.
        conflicting: how many numbers came with more than one content.
        foreign: how many numbers have evidence of other embedding spaces only.
    """

    evidence: Evidence | None
    used: tuple[int, ...]
    received: int
    conflicting: int
    foreign: int


def fold(rows: Iterable[ChunkEvidence], embedding_space: str, count: int | None = None) -> Folded:
    """Folds a set of chunk evidence; equal sets give equal results to the last bit.

    Of several contents under one number the one with the smallest digest counts, whichever came first. Evidence of
    another embedding space never mixes in.

    Args:
        rows: in any order, with any duplicates.
        embedding_space: of the voiceprint that the call will be held against.
        count: number of chunks that the call has, once known; what lies beyond does not belong to it.
    """
    inside = [row for row in rows if count is None or row.number < count]
    contents: dict[int, set[str]] = {}
    chosen: dict[int, ChunkEvidence] = {}
    for row in sorted(inside, key=lambda row: (row.number, row.content)):
        contents.setdefault(row.number, set()).add(row.content)
        if row.evidence.embedding_space == embedding_space:
            chosen.setdefault(row.number, row)
    newest = _newest([chosen[number] for number in sorted(chosen)])
    return Folded(
        evidence=_pooled([row.evidence for row in newest if row.evidence.embeddings], embedding_space),
        used=tuple(row.number for row in newest),
        received=len(contents),
        conflicting=sum(len(digests) > 1 for digests in contents.values()),
        foreign=len(contents) - len(chosen),
    )


def is_complete(rows: Iterable[ChunkEvidence], count: int | None) -> bool:
    """Tells whether every chunk of an ended call has evidence."""
    return count is not None and {row.number for row in rows}.issuperset(range(count))


def _newest(rows: Sequence[ChunkEvidence]) -> list[ChunkEvidence]:
    """The last chunks that together hold MOST_SPEECH_SECONDS, ascending."""
    kept: list[ChunkEvidence] = []
    seconds = 0.0
    for row in reversed(rows):
        if seconds >= MOST_SPEECH_SECONDS:
            break
        seconds += row.evidence.speech_seconds
        kept.append(row)
    return kept[::-1]


def _pooled(pieces: Sequence[Evidence], embedding_space: str) -> Evidence | None:
    """Pools the chunks that can be compared in one band; no chunk's seconds count for a voice that is not compared."""
    if not pieces:
        return None
    heard = _comparable(pieces)
    bands = [band for band in Channel if all(band in each.embeddings for each in heard)]
    seconds = {channel: sum(each.speech_seconds for each in heard if each.channel is channel) for channel in Channel}
    return Evidence(
        speech_seconds=sum(each.speech_seconds for each in heard),
        channel=max(bands, key=lambda channel: seconds[channel]),
        embeddings={band: _mean(heard, band) for band in bands},
        quality=_pooled_quality(heard),
        embedding_space=embedding_space,
    )


def _comparable(pieces: Sequence[Evidence]) -> list[Evidence]:
    """The chunks that have the band in which most of the speech can be compared."""
    seconds = {band: sum(each.speech_seconds for each in pieces if band in each.embeddings) for band in Channel}
    most = max(Channel, key=lambda band: seconds[band])
    return [each for each in pieces if most in each.embeddings]


def _mean(pieces: Sequence[Evidence], channel: Channel) -> FloatVector:
    """Unit vector: the mean weighted by speech, summed in the order of the chunks, shape (dim,)."""
    parts = [
        each.embeddings[channel] * np.float32(each.speech_seconds) for each in pieces if channel in each.embeddings
    ]
    total = np.sum(parts, axis=0, dtype=np.float64)
    return np.asarray(total / np.linalg.norm(total), np.float32)


def _pooled_quality(pieces: Sequence[Evidence]) -> Quality:
    weights = [each.speech_seconds for each in pieces]
    measured = [(each.quality.snr_db, weight) for each, weight in zip(pieces, weights, strict=True)]
    known = [(snr, weight) for snr, weight in measured if snr is not None]
    return Quality(
        level_dbfs=float(np.average([each.quality.level_dbfs for each in pieces], weights=weights)),
        clipped=float(np.average([each.quality.clipped for each in pieces], weights=weights)),
        snr_db=float(np.average([s for s, _ in known], weights=[w for _, w in known])) if known else None,
    )
