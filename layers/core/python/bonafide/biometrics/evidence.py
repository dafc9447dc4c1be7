"""Evidence: what one recording contributes to a judgement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

type FloatVector = NDArray[np.float32]


class Channel(StrEnum):
    """Bands that speech can occupy, whatever rate the file says."""

    NARROWBAND = "narrowband"
    WIDEBAND = "wideband"


@dataclass(frozen=True, slots=True)
class Quality:
    """Measurements on a recording, to be held against the range that calibration was measured on.

    Attributes:
        level_dbfs: RMS level of the speech (of everything, when there is no speech), dB relative to full scale.
        clipped: fraction of samples that sit at the extreme of the recording's own range in runs.
        snr_db: level of speech over level of non-speech, dB; None when one of them is missing.
    """

    level_dbfs: float
    clipped: float
    snr_db: float | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of one recording, or of one chunk, about its speaker.

    Attributes:
        speech_seconds: net speech, by voice activity detection.
        channel: the band of the speech.
        embeddings: per channel a unit-length vector, shape (dim,); the recording's own channel at least when there
            is speech, empty when there is none.
        quality: measurements on the whole recording.
        embedding_space: identifier of the space that the embeddings live in.
        liveness: calibrated natural-log likelihood ratio, above 0 favors a human voice; None when it was
            not detected, or there was no speech.
    """

    speech_seconds: float
    channel: Channel
    embeddings: Mapping[Channel, FloatVector]
    quality: Quality
    embedding_space: str
    liveness: float | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Evidence of many recordings, to be compared with a voiceprint at once; made by `of`.

    Attributes:
        speech_seconds: net speech of each, shape (n,).
        channel: the band of the speech of all.
        embeddings: per channel unit vectors, shape (n, dim).
        embedding_space: of all.
    """

    speech_seconds: NDArray[np.float64]
    channel: Channel
    embeddings: Mapping[Channel, NDArray[np.float32]]
    embedding_space: str

    @classmethod
    def of(cls, evidence: Sequence[Evidence]) -> Self:
        """Stacks evidence, at least one, of one `kind`."""
        channel, bands, space = kind(evidence[0])
        return cls(
            speech_seconds=np.array([each.speech_seconds for each in evidence]),
            channel=channel,
            embeddings={band: np.stack([each.embeddings[band] for each in evidence]) for band in bands},
            embedding_space=space,
        )


def kind(evidence: Evidence) -> tuple[Channel, frozenset[Channel], str]:
    """Returns all that decides how a recording is compared: its channel, bands and embedding space."""
    return evidence.channel, frozenset(evidence.embeddings), evidence.embedding_space
