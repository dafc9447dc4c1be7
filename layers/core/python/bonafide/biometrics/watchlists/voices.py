"""The known voices of one domain, as matrices that one voice is compared with at once: exact, without an index."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import compress
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bonafide.biometrics.evidence import Channel, Evidence, FloatVector
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.biometrics.watchlists.likeness import LikenessScale, scale_of

# List and fraudster.
type VoiceName = tuple[str, str]
# Embedding space and band.
type VoiceKind = tuple[str, Channel]


@dataclass(frozen=True, slots=True)
class KnownVoice:
    """One voice as it is registered.

    Attributes:
        name: of the list, and of the fraudster in it.
        voiceprints: one in each embedding space; none for a voice that was removed.
        expires_at: from then on it is not searched, seconds since 1970.
    """

    name: VoiceName
    voiceprints: tuple[Voiceprint, ...] = ()
    expires_at: float = 0.0


@dataclass(frozen=True, slots=True)
class VoiceMatch:
    """A known voice that the searched one is like.

    Attributes:
        name: of the list, and of the fraudster in it.
        likeness: of the two voices.
        expected: strangers among all known voices that are expected to come so near.
        searched: voices that it was compared with.
    """

    name: VoiceName
    likeness: float
    expected: float
    searched: int


@dataclass(frozen=True, slots=True, eq=False)
class VoiceMatrix:
    """Known voices of one embedding space and band.

    Attributes:
        names: of each.
        vectors: unit vectors, shape (n, dim), of single precision.
        seconds: speech behind each, shape (n,).
        expires: time of expiry of each, seconds since 1970, shape (n,).
    """

    names: Sequence[VoiceName]
    vectors: FloatVector
    seconds: FloatVector
    expires: NDArray[np.float64]

    @classmethod
    def of(cls, voices: Iterable[KnownVoice], kind: VoiceKind) -> Self:
        """Makes the matrix of those voices that there are templates of."""
        rows = list(_rows(voices, kind))
        vectors = np.stack([vector for _, vector, _ in rows]) if rows else np.empty((0, 0))
        return cls(
            [voice.name for voice, _, _ in rows],
            vectors.astype(np.float32, copy=False),
            np.array([seconds for _, _, seconds in rows], np.float32),
            np.array([voice.expires_at for voice, _, _ in rows], np.float64),
        )

    @classmethod
    def joined(cls, parts: Sequence["VoiceMatrix"]) -> Self:
        """Puts matrices under each other; those without rows do not count."""
        some = [each for each in parts if each.names] or list(parts[:1])
        names = [name for each in some for name in each.names]
        vectors, seconds = np.concatenate([each.vectors for each in some]), np.concatenate([e.seconds for e in some])
        return cls(names, vectors, seconds, np.concatenate([each.expires for each in some]))

    def without(self, names: Collection[VoiceName]) -> Self:
        """Returns the matrix without some voices; itself if it has none of them."""
        kept = np.array([name not in names for name in self.names], np.bool_)
        if kept.all():
            return self
        left = list(compress(self.names, kept))
        return type(self)(left, self.vectors[kept], self.seconds[kept], self.expires[kept])


@dataclass(frozen=True, slots=True, eq=False)
class SearchedMatrix:
    """A matrix with what a search takes off of each row, which is computed once.

    Attributes:
        matrix: the voices.
        scale: of their space and band.
        trusted: share of voice in each row, times the scale's noise, shape (n,).
        common: commonness of each row, shape (n,).
    """

    matrix: VoiceMatrix
    scale: LikenessScale
    trusted: FloatVector
    common: FloatVector

    @classmethod
    def of(cls, matrix: VoiceMatrix, scale: LikenessScale) -> Self:
        """Prepares a matrix."""
        trusted = np.asarray(scale.noise * scale.trusted(matrix.seconds), np.float32)
        return cls(matrix, scale, trusted, scale.common(matrix.vectors) if matrix.names else trusted)

    def likenesses(self, vector: FloatVector, seconds: float, now: float) -> FloatVector:
        """Compares a unit vector of so much speech with every voice, shape (n,); -inf for those that expired."""
        found: FloatVector = self.matrix.vectors @ vector
        found -= self.trusted * float(self.scale.trusted(seconds))
        found -= self.common
        found -= self.scale.common(vector)
        found[self.matrix.expires <= now] = -np.inf
        return found

    def likenesses_of(self, rows: slice) -> FloatVector:
        """Compares some of the voices with every voice, shape (rows, n)."""
        found: FloatVector = self.matrix.vectors[rows] @ self.matrix.vectors.T
        found -= np.outer(self.scale.trusted(self.matrix.seconds[rows]), self.trusted)
        found -= self.common[rows, None] + self.common
        return found

    def matches(self, vector: FloatVector, seconds: float, now: float) -> Iterator[VoiceMatch]:
        """Yields the voices that a unit vector of so much speech is like."""
        found = self.likenesses(vector, seconds, now)
        count = int(np.count_nonzero(found > -np.inf))
        if not count:
            return
        for place in map(int, np.flatnonzero(found >= self.scale.least_likeness(count))):
            likeness = float(found[place])
            yield VoiceMatch(self.matrix.names[place], likeness, self.scale.expected(likeness, count), count)


@dataclass(frozen=True, slots=True, eq=False)
class KnownVoices:
    """All known voices of a domain.

    Attributes:
        version: number of the change that they include.
        matrices: by embedding space and band.
    """

    version: int = 0
    matrices: Mapping[VoiceKind, VoiceMatrix] = field(default_factory=dict)
    _searched: dict[VoiceKind, SearchedMatrix] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the vectors."""
        return sum(each.vectors.nbytes for each in self.matrices.values())

    def changed(self, version: int, changes: Sequence[KnownVoice]) -> Self:
        """Returns the voices after changes, of which the last one of a name counts."""
        last = {each.name: each for each in changes}
        kinds = [*self.matrices, *(kind for kind in _kinds(last.values()) if kind not in self.matrices)]
        return type(self)(version, {kind: self._changed(kind, last) for kind in kinds} if last else self.matrices)

    def _changed(self, kind: VoiceKind, last: Mapping[VoiceName, KnownVoice]) -> VoiceMatrix:
        added = VoiceMatrix.of(last.values(), kind)
        before = self.matrices.get(kind)
        return VoiceMatrix.joined([before.without(last), added]) if before else added

    def can_search(self, evidence: Evidence) -> bool:
        """Tells whether there is a scale for the network that the evidence was made by."""
        return any(scale_of(evidence.embedding_space, channel) for channel in evidence.embeddings)

    def search(self, evidence: Evidence, now: datetime) -> VoiceMatch | None:
        """Returns the known voice that a recording or session is most surely of, if it is like one at all.

        Args:
            evidence: of the recording or session.
            now: those that expired by then are not searched.
        """
        return min(self._matches(evidence, now), key=lambda match: match.expected, default=None)

    def alike(self, evidence: Evidence, now: datetime, besides: VoiceName) -> list[VoiceName]:
        """Returns the names of all known voices that a recording is like, the likest first, besides one name."""
        found = sorted(self._matches(evidence, now), key=lambda match: match.expected)
        return [name for name in dict.fromkeys(match.name for match in found) if name != besides]

    def _matches(self, evidence: Evidence, now: datetime) -> Iterator[VoiceMatch]:
        for channel, vector in evidence.embeddings.items():
            searched = self._prepared((evidence.embedding_space, channel))
            if searched and evidence.speech_seconds >= searched.scale.least_seconds:
                yield from searched.matches(vector, evidence.speech_seconds, now.timestamp())

    def _prepared(self, kind: VoiceKind) -> SearchedMatrix | None:
        matrix, scale = self.matrices.get(kind), scale_of(*kind)
        if matrix is None or scale is None or not matrix.names:
            return None
        if kind not in self._searched:
            self._searched[kind] = SearchedMatrix.of(matrix, scale)
        return self._searched[kind]


def _kinds(voices: Iterable[KnownVoice]) -> list[VoiceKind]:
    """Returns the spaces and bands that voices have templates in, each once."""
    found = ((each.embedding_space, band) for voice in voices for each in voice.voiceprints for band in each.templates)
    return list(dict.fromkeys(found))


def _rows(voices: Iterable[KnownVoice], kind: VoiceKind) -> Iterator[tuple[KnownVoice, FloatVector, float]]:
    space, band = kind
    for voice in voices:
        for each in voice.voiceprints:
            if each.embedding_space == space and band in each.templates:
                yield voice, each.templates[band].embedding, each.templates[band].seconds
