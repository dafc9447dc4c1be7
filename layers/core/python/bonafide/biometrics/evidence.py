"""Evidence: what one recording contributes to a judgement."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatVector = NDArray[np.float32]
# Precise enough to tell voices apart, and half as much to store.
HalfVector = NDArray[np.float16]


class Channel(StrEnum):
    """Bands that speech can occupy, whatever rate the file says."""

    NARROWBAND = "narrowband"
    WIDEBAND = "wideband"


@dataclass(frozen=True, slots=True)
class Quality:
    """Measurements on a recording, to be held against the range that calibration was measured on.

    Attributes:
        level_dbfs: RMS level of the speech (of everything, when there is no speech) above 80 Hz, dB relative to full
            scale.
        clipped: fraction of samples of the speech that sit at the extreme of the recording's own range in runs.
        snr_db: level of speech over that of the steady noise in its pauses, both above 300 Hz, dB; None when one of
            them is missing.
        dynamic_range_db: level of the speech over that of the quietest twentieth of all 32 ms, dB. It needs no pauses,
            unlike `snr_db`; nothing is judged by it, but drift is watched by it. None where it was not measured.
        dominant_share: share of the speech that is of the voice that speaks most, of a whole recording or session; None
            where its parts were not compared.
    """

    level_dbfs: float
    clipped: float
    snr_db: float | None
    dynamic_range_db: float | None = None
    dominant_share: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of one recording, or of one chunk, about its speaker.

    Attributes:
        speech_seconds: net speech, by voice activity detection.
        channel: the band of the speech.
        embeddings: per channel a unit-length vector, shape (dim,); the recording's own channel at least when there
            is speech, empty when there is none.
        quality: measurements on the speech and its pauses.
        embedding_space: identifier of the space that the embeddings live in.
        liveness: calibrated natural-log likelihood ratio, above 0 favors a human voice; None when it was
            not detected, or there was no speech.
        embedding_norm: length of the network's output in the recording's own band, before it is made a unit vector, by
            which drift of its input shows; None where it was not measured.
        embedding_directions: components of the unit vector in the recording's own band along the few directions that
            the bundle names, by which drift of callers shows; empty where it names none.
        parts: unit vectors of parts of equal length, in order, in the recording's own band, shape (parts, dim), by
            which a change of voice within the recording shows; None where it is too short or they were not measured.
    """

    speech_seconds: float
    channel: Channel
    embeddings: Mapping[Channel, FloatVector]
    quality: Quality
    embedding_space: str
    liveness: float | None = None
    embedding_norm: float | None = None
    embedding_directions: tuple[float, ...] = ()
    parts: HalfVector | None = None
